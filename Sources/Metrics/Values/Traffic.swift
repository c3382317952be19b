/// The sums over all requests since the start of the process.
package struct TrafficTotals: Sendable, Equatable {
  /// Requests, refused ones included.
  package var requests: UInt64 = 0
  package var denials: UInt64 = 0
  package var promptTokens: UInt64 = 0
  package var completionTokens: UInt64 = 0
  package var costNanodollars: UInt64 = 0
  /// Requests that were admitted and have not ended.
  package var inflight: UInt64 = 0
}

/// The sums of one model route over the requests that were admitted to it, since the start of the
/// process.
package struct RouteTraffic: Sendable, Equatable {
  /// Nil for the `route` of a path that is not inspected.
  package let model: String?
  package let modelRoute: String
  /// Admitted requests that are over.
  package var requests: UInt64
  /// Those that ended with a status of 500 or more.
  package var errors: UInt64
  package var promptTokens: UInt64
  package var completionTokens: UInt64
  /// From the admission to the end of the response, in milliseconds.
  package var duration: HistogramReading
  /// From the admission to the first token, in milliseconds.
  package var firstToken: HistogramReading
}

/// The sums of one tenant since the start of the process.
package struct TenantTraffic: Sendable, Equatable {
  /// Requests, refused ones included.
  package var requests: UInt64 = 0
  package var denials: UInt64 = 0
  package var promptTokens: UInt64 = 0
  package var completionTokens: UInt64 = 0
  package var costNanodollars: UInt64 = 0
}
