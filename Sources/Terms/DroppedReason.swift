/// Why an endpoint picker's flow control dropped a request: the words of the response header
/// `x-llm-d-request-dropped-reason`. They tell "too little capacity" from "over quota".
package enum DroppedReason: String, Sendable, CaseIterable {
  // Before a model server had the request.
  case saturated = "rejected-saturated"
  case noEndpoints = "rejected-no-endpoints"
  case expired = "rejected-ttl-expired"
  case clientLeft = "rejected-context-cancelled"
  case shuttingDown = "rejected-shutting-down"
  case failed = "rejected-internal"
  // While a model server worked on it.
  case evicted = "evicted"
  case evictedByQueuePressure = "evicted-queue-pressure"
  case evictedByPriority = "evicted-priority"
  /// Any other word: a header's text never reaches a record.
  case other

  /// A model server may have worked on the request.
  package var wasDispatched: Bool {
    switch self {
    case .evicted, .evictedByQueuePressure, .evictedByPriority: true
    case .saturated, .noEndpoints, .expired, .clientLeft, .shuttingDown, .failed, .other: false
    }
  }
}
