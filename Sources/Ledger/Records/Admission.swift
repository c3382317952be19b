import Terms

/// The record `admission`: the decision about one exchange, and what was reserved for it.
///
/// A nil field is `null` in the record: it is not known, or the exchange has no such thing.
package struct Admission: Equatable, Sendable {
  /// Whether the exchange was let through.
  package enum Decision: String, Sendable, CaseIterable {
    case allow, deny
  }

  /// Tollgate's id of the exchange, `req_` and a ULID.
  package var requestID: String
  /// Whether the exchange was let through.
  package var decision: Decision
  /// The tenant's name; nil where the caller was not identified.
  package var tenant: String?
  /// The name of the tenant's group; nil where it is in none, and in older records.
  package var group: String?
  /// The caller inside of the tenant.
  package var subject: String?
  /// The id of the API key that the caller used.
  package var keyID: String?
  /// The request's host where the policy has it, else `other`.
  package var hostname: String?
  /// The HTTP method.
  package var method: String?
  /// The request's path without its query where the policy has it, else `other`.
  package var route: String?
  /// The policy's canonical name of the model.
  package var model: String?
  /// The model route that was chosen.
  package var modelRoute: String?
  /// The model's traffic class.
  package var trafficClass: String?
  /// What was asked for; in older ledgers always nil.
  package var operation: GenAIOperation?
  /// Who serves the model, as the policy says; in older ledgers always nil.
  package var provider: String?
  /// Whether the request asks for a stream.
  package var stream: Bool?
  /// The refusal's code; nil where it was let through.
  package var reason: String?
  /// The refusal's HTTP status; nil where it was let through.
  package var httpStatus: Int64?
  /// The name of the limit that refused it.
  package var limit: String?
  /// The names of the limits that only count and would have refused it; empty where it was refused.
  package var shadowLimits: [String]
  /// What was reserved in each counter.
  package var reserved: [Charge]
  /// The estimate of the prompt that the reservation was made with.
  package var estimatedPromptTokens: Int64?
  /// The bound of the output that the reservation was made with.
  package var reservedCompletionTokens: Int64?
  /// The caller's address as Envoy saw it.
  package var source: String?
  /// Envoy's own id of the request, `x-request-id`.
  package var envoyRequestID: String?
  /// The request's W3C trace context, always well-formed (`TraceParent`): it connects a refusal too
  /// with its trace.
  package var traceparent: String?
  /// The policy's revision.
  package var policy: String

  package init(
    requestID: String, decision: Decision, tenant: String? = nil, group: String? = nil,
    subject: String? = nil, keyID: String? = nil, hostname: String? = nil, method: String? = nil,
    route: String? = nil,
    model: String? = nil, modelRoute: String? = nil, trafficClass: String? = nil,
    operation: GenAIOperation? = nil, provider: String? = nil,
    stream: Bool? = nil, reason: String? = nil, httpStatus: Int64? = nil, limit: String? = nil,
    shadowLimits: [String] = [], reserved: [Charge] = [], estimatedPromptTokens: Int64? = nil,
    reservedCompletionTokens: Int64? = nil, source: String? = nil, envoyRequestID: String? = nil,
    traceparent: String? = nil, policy: String
  ) {
    self.requestID = requestID
    self.decision = decision
    self.tenant = tenant
    self.group = group
    self.subject = subject
    self.keyID = keyID
    self.hostname = hostname
    self.method = method
    self.route = route
    self.model = model
    self.modelRoute = modelRoute
    self.trafficClass = trafficClass
    self.operation = operation
    self.provider = provider
    self.stream = stream
    self.reason = reason
    self.httpStatus = httpStatus
    self.limit = limit
    self.shadowLimits = shadowLimits
    self.reserved = reserved
    self.estimatedPromptTokens = estimatedPromptTokens
    self.reservedCompletionTokens = reservedCompletionTokens
    self.source = source
    self.envoyRequestID = envoyRequestID
    self.traceparent = traceparent
    self.policy = policy
  }
}
