/// An exchange that was refused. Names are the policy's. Nil where a value is not known.
package struct RefusedExchange: Sendable, Equatable {
  package var tenant: String?
  package var subject: String?
  /// The path of the request, as the policy names it.
  package var route: String?
  package var model: String?
  package var trafficClass: String?
  /// Whether the client asked for a stream.
  package var stream: Bool?
  /// The refusal's code: `model_not_allowed`.
  package var reason: String
  /// The HTTP status of the refusal.
  package var status: Int64
  /// The name of the limit that refused.
  package var limit: String?
  /// Envoy's `x-request-id`.
  package var requestID: String
  /// Unix milliseconds.
  package var timeMs: Int64

  package init(
    tenant: String? = nil, subject: String? = nil, route: String? = nil, model: String? = nil,
    trafficClass: String? = nil, stream: Bool? = nil, reason: String, status: Int64,
    limit: String? = nil, requestID: String, timeMs: Int64
  ) {
    self.tenant = tenant
    self.subject = subject
    self.route = route
    self.model = model
    self.trafficClass = trafficClass
    self.stream = stream
    self.reason = reason
    self.status = status
    self.limit = limit
    self.requestID = requestID
    self.timeMs = timeMs
  }
}
