/// An exchange that was admitted and is over: whose it was, how it ended, what it used. Names are the
/// policy's, as in the ledger's records. Nil where a value is not known.
package struct FinishedExchange: Sendable {
  /// Who made the response: the gateway or the backend.
  package enum Origin: UInt8, Sendable { case none, gateway, backend }

  package var tenant: String?
  /// The path of the request, as the policy names it.
  package var route: String?
  package var model: String?
  package var modelRoute: String?
  package var trafficClass: String?
  /// Whether the client asked for a stream.
  package var stream: Bool?
  /// The HTTP status of the response.
  package var status: Int64?
  package var origin: Origin
  /// From the admission to the end of the response.
  package var durationMs: Int64?
  /// From the admission to the first token of the response.
  package var firstTokenMs: Int64?
  /// Cached and cache-written tokens included.
  package var promptTokens: Int64?
  /// Reasoning tokens included.
  package var completionTokens: Int64?
  package var cachedPromptTokens: Int64?
  package var cacheWritePromptTokens: Int64?
  package var reasoningTokens: Int64?
  package var costNanodollars: Int64?
  /// The usage is an estimate and not the backend's report.
  package var isEstimated: Bool

  package init(
    tenant: String? = nil, route: String? = nil, model: String? = nil, modelRoute: String? = nil,
    trafficClass: String? = nil, stream: Bool? = nil, status: Int64? = nil,
    origin: Origin = .none, durationMs: Int64? = nil, firstTokenMs: Int64? = nil,
    promptTokens: Int64? = nil, completionTokens: Int64? = nil, cachedPromptTokens: Int64? = nil,
    cacheWritePromptTokens: Int64? = nil, reasoningTokens: Int64? = nil,
    costNanodollars: Int64? = nil, isEstimated: Bool = false
  ) {
    self.tenant = tenant
    self.route = route
    self.model = model
    self.modelRoute = modelRoute
    self.trafficClass = trafficClass
    self.stream = stream
    self.status = status
    self.origin = origin
    self.durationMs = durationMs
    self.firstTokenMs = firstTokenMs
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.cachedPromptTokens = cachedPromptTokens
    self.cacheWritePromptTokens = cacheWritePromptTokens
    self.reasoningTokens = reasoningTokens
    self.costNanodollars = costNanodollars
    self.isEstimated = isEstimated
  }
}

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

/// The label `phase`: the kind of message on which Tollgate's own work is timed, of ext_proc or (`check`)
/// of ext_authz.
package enum ProcessingStage: Int, Sendable, CaseIterable {
  case requestHeaders, requestBody, responseHeaders, responseBody, check

  /// The label's value.
  package var label: StaticString {
    switch self {
    case .requestHeaders: "request_headers"
    case .requestBody: "request_body"
    case .responseHeaders: "response_headers"
    case .responseBody: "response_body"
    case .check: "check"
    }
  }
}
