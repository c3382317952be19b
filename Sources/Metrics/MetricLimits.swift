/// What bounds the memory and the text of metrics.
package enum MetricLimits {
  /// Series of one counter family; label sets beyond these are counted under tenant `other`.
  package static let seriesMax = 200_000
  /// Label sets of one histogram family, each of which is a dozen lines; beyond these the tenant is
  /// `other`.
  package static let histogramSeriesMax = 1_000
}
