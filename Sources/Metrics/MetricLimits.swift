/// The limits on the memory and the text that metrics take.
package enum MetricLimits {
  /// Series of one family of counters; further ones are counted under the tenant `other`.
  static let seriesMax = 200_000
  /// Series of one family of histograms, each of which is many lines on the page; further ones are
  /// counted under the tenant `other`.
  static let histogramSeriesMax = 1_000
  /// Tenants that have sums of their own, for the admin page.
  static let tenantsMax = 100_000
  /// Pairs of a model and its route that have sums of their own, for the admin page.
  static let routesMax = 10_000
  /// Series of a family under the tenant `other`; further ones are counted with every label `other`.
  static let otherSeriesMax = 10_000
  /// Different label values of all families together. Those of earlier policies are kept.
  static let namesMax = 500_000
  /// Refusals that the admin page lists.
  package static let refusalsMax = 200
  /// A refusal is counted together with an earlier one of the same kind that is less old than this.
  static let refusalRepeatMs: Int64 = 60_000
}
