import Terms

/// The decision about one exchange, and what was reserved for it.
package struct Admission: Equatable, Sendable {
  package enum Decision: String, Sendable, CaseIterable {
    case allow, deny
  }

  package var requestID: String
  package var decision: Decision
  /// nil where nobody was identified.
  package var tenant: String?
  package var subject: String?
  package var keyID: String?
  /// A name the policy knows, else `other`.
  package var hostname: String?
  package var method: String?
  /// The request path without its query, where the policy knows it, else `other`.
  package var route: String?
  package var model: String?
  package var modelRoute: String?
  package var trafficClass: String?
  package var stream: Bool?
  /// The refusal's code.
  package var reason: String?
  /// The refusal's status.
  package var httpStatus: Int64?
  /// The limit that refused.
  package var limit: String?
  package var reserved: [Charge]
  /// The estimate of the prompt that the reservation was made with.
  package var estimatedPromptTokens: Int64?
  /// The bound of the output that the reservation was made with.
  package var reservedCompletionTokens: Int64?
  /// The caller's address as Envoy saw it.
  package var source: String?
  package var envoyRequestID: String?
  /// Well-formed (`TraceParent`), so that a refusal too can be joined with its trace.
  package var traceparent: String?
  /// The policy's revision.
  package var policy: String

  package init(
    requestID: String, decision: Decision, tenant: String? = nil, subject: String? = nil,
    keyID: String? = nil, hostname: String? = nil, method: String? = nil, route: String? = nil,
    model: String? = nil, modelRoute: String? = nil, trafficClass: String? = nil,
    stream: Bool? = nil, reason: String? = nil, httpStatus: Int64? = nil, limit: String? = nil,
    reserved: [Charge] = [], estimatedPromptTokens: Int64? = nil,
    reservedCompletionTokens: Int64? = nil, source: String? = nil, envoyRequestID: String? = nil,
    traceparent: String? = nil, policy: String
  ) {
    self.requestID = requestID
    self.decision = decision
    self.tenant = tenant
    self.subject = subject
    self.keyID = keyID
    self.hostname = hostname
    self.method = method
    self.route = route
    self.model = model
    self.modelRoute = modelRoute
    self.trafficClass = trafficClass
    self.stream = stream
    self.reason = reason
    self.httpStatus = httpStatus
    self.limit = limit
    self.reserved = reserved
    self.estimatedPromptTokens = estimatedPromptTokens
    self.reservedCompletionTokens = reservedCompletionTokens
    self.source = source
    self.envoyRequestID = envoyRequestID
    self.traceparent = traceparent
    self.policy = policy
  }
}
