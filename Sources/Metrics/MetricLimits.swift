/// What bounds the memory and the text of metrics.
package enum MetricLimits {
  /// Label sets of one counter family; beyond these the tenant is `other`.
  package static let seriesMax = 200_000
  /// Label sets of one histogram family, each of which is a dozen lines; beyond these the tenant is
  /// `other`.
  package static let histogramSeriesMax = 1_000
  /// Tenants whose sums are kept apart, for the page.
  package static let tenantsMax = 100_000
  /// Pairs of a model and its route whose sums are kept apart, for the page.
  package static let routesMax = 10_000
  /// Label sets of a family that have `other` for a tenant; beyond these every label is `other`.
  package static let otherSeriesMax = 10_000
  /// Different label values of all families; those of a policy, and of the policies before it.
  package static let namesMax = 500_000
  /// Refusals that are remembered one by one.
  package static let refusalsMax = 200
  /// A refusal like one of so short a time ago is counted with it.
  package static let refusalRepeatMs: Int64 = 60_000
}
