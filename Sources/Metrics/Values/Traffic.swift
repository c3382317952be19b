/// Everything since the start.
package struct TrafficTotals: Sendable, Equatable {
  /// Refused ones too.
  package var requests: UInt64 = 0
  package var denials: UInt64 = 0
  package var promptTokens: UInt64 = 0
  package var completionTokens: UInt64 = 0
  package var costNanodollars: UInt64 = 0
  /// Let through and not over.
  package var inflight: UInt64 = 0
}

/// A model route since the start: requests that were let through to it.
package struct RouteTraffic: Sendable, Equatable {
  /// nil for a route of paths that are not inspected.
  package let model: String?
  package let modelRoute: String
  package var requests: UInt64
  /// Those that ended with a status of 500 or more.
  package var errors: UInt64
  package var promptTokens: UInt64
  package var completionTokens: UInt64
  /// Milliseconds.
  package var duration: HistogramReading
  /// Milliseconds.
  package var firstToken: HistogramReading
}

/// A tenant since the start.
package struct TenantTraffic: Sendable, Equatable {
  /// Refused ones too.
  package var requests: UInt64 = 0
  package var denials: UInt64 = 0
  package var promptTokens: UInt64 = 0
  package var completionTokens: UInt64 = 0
  package var costNanodollars: UInt64 = 0

  package init() {}
}
