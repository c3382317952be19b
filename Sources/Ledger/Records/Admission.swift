import Terms

/// The record `admission`: the decision about one exchange, and what was reserved for it.
///
/// A nil field is `null` in the record: it is not known, or the exchange has no such thing.
package struct Admission: Equatable, Sendable {
  /// Whether the exchange was let through.
  package enum Decision: String, Sendable, CaseIterable {
    case allow, deny
  }

  private struct Values: Equatable, Sendable {
    var requestID: String
    var decision: Decision
    var tenant: String?
    var subject: String?
    var keyID: String?
    var hostname: String?
    var method: String?
    var route: String?
    var model: String?
    var modelRoute: String?
    var trafficClass: String?
    var stream: Bool?
    var reason: String?
    var httpStatus: Int64?
    var limit: String?
    var source: String?
    var envoyRequestID: String?
    var traceparent: String?
    var policy: String
  }

  /// A record has many fields and goes from hand to hand: it is handed on as one reference. The books fill
  /// in what was reserved while others have the record, so that stands beside it.
  private var values: CopyOnWrite<Values>

  /// Tollgate's id of the exchange, `req_` and a ULID.
  package var requestID: String {
    get { values.value.requestID }
    set { values.value.requestID = newValue }
  }
  /// Whether the exchange was let through.
  package var decision: Decision {
    get { values.value.decision }
    set { values.value.decision = newValue }
  }
  /// The tenant's name; nil where the caller was not identified.
  package var tenant: String? {
    get { values.value.tenant }
    set { values.value.tenant = newValue }
  }
  /// The caller inside of the tenant.
  package var subject: String? {
    get { values.value.subject }
    set { values.value.subject = newValue }
  }
  /// The id of the API key that the caller used.
  package var keyID: String? {
    get { values.value.keyID }
    set { values.value.keyID = newValue }
  }
  /// The request's host where the policy has it, else `other`.
  package var hostname: String? {
    get { values.value.hostname }
    set { values.value.hostname = newValue }
  }
  /// The HTTP method.
  package var method: String? {
    get { values.value.method }
    set { values.value.method = newValue }
  }
  /// The request's path without its query where the policy has it, else `other`.
  package var route: String? {
    get { values.value.route }
    set { values.value.route = newValue }
  }
  /// The policy's canonical name of the model.
  package var model: String? {
    get { values.value.model }
    set { values.value.model = newValue }
  }
  /// The model route that was chosen.
  package var modelRoute: String? {
    get { values.value.modelRoute }
    set { values.value.modelRoute = newValue }
  }
  /// The model's traffic class.
  package var trafficClass: String? {
    get { values.value.trafficClass }
    set { values.value.trafficClass = newValue }
  }
  /// Whether the request asks for a stream.
  package var stream: Bool? {
    get { values.value.stream }
    set { values.value.stream = newValue }
  }
  /// The refusal's code; nil where it was let through.
  package var reason: String? {
    get { values.value.reason }
    set { values.value.reason = newValue }
  }
  /// The refusal's HTTP status; nil where it was let through.
  package var httpStatus: Int64? {
    get { values.value.httpStatus }
    set { values.value.httpStatus = newValue }
  }
  /// The name of the limit that refused it.
  package var limit: String? {
    get { values.value.limit }
    set { values.value.limit = newValue }
  }
  /// What was reserved in each counter.
  package var reserved: [Charge]
  /// The estimate of the prompt that the reservation was made with.
  package var estimatedPromptTokens: Int64?
  /// The bound of the output that the reservation was made with.
  package var reservedCompletionTokens: Int64?
  /// The caller's address as Envoy saw it.
  package var source: String? {
    get { values.value.source }
    set { values.value.source = newValue }
  }
  /// Envoy's own id of the request, `x-request-id`.
  package var envoyRequestID: String? {
    get { values.value.envoyRequestID }
    set { values.value.envoyRequestID = newValue }
  }
  /// The request's W3C trace context, always well-formed (`TraceParent`): it connects a refusal too
  /// with its trace.
  package var traceparent: String? {
    get { values.value.traceparent }
    set { values.value.traceparent = newValue }
  }
  /// The policy's revision.
  package var policy: String {
    get { values.value.policy }
    set { values.value.policy = newValue }
  }

  package init(
    requestID: String, decision: Decision, tenant: String? = nil, subject: String? = nil,
    keyID: String? = nil, hostname: String? = nil, method: String? = nil, route: String? = nil,
    model: String? = nil, modelRoute: String? = nil, trafficClass: String? = nil,
    stream: Bool? = nil, reason: String? = nil, httpStatus: Int64? = nil, limit: String? = nil,
    reserved: [Charge] = [], estimatedPromptTokens: Int64? = nil,
    reservedCompletionTokens: Int64? = nil, source: String? = nil, envoyRequestID: String? = nil,
    traceparent: String? = nil, policy: String
  ) {
    values = CopyOnWrite(
      Values(
        requestID: requestID, decision: decision, tenant: tenant, subject: subject, keyID: keyID,
        hostname: hostname, method: method, route: route, model: model, modelRoute: modelRoute,
        trafficClass: trafficClass, stream: stream, reason: reason, httpStatus: httpStatus,
        limit: limit, source: source, envoyRequestID: envoyRequestID, traceparent: traceparent,
        policy: policy))
    self.reserved = reserved
    self.estimatedPromptTokens = estimatedPromptTokens
    self.reservedCompletionTokens = reservedCompletionTokens
  }
}
