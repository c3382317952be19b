import Terms

/// An exchange that was let through and is over: whose it was, how it ended, what it used. The
/// strings are the policy's names, as records have them; nil is unknown.
package struct FinishedExchange: Sendable {
  package var tenant: String?
  package var route: String?
  package var model: String?
  package var modelRoute: String?
  package var trafficClass: String?
  package var stream: Bool?
  package var status: Int64?
  package var origin: Origin?
  package var durationMs: Int64?
  package var firstTokenMs: Int64?
  package var promptTokens: Int64?
  package var completionTokens: Int64?
  package var cachedPromptTokens: Int64?
  package var cacheWritePromptTokens: Int64?
  package var reasoningTokens: Int64?
  package var costNanodollars: Int64?
  /// Usage is our estimate, not the backend's report.
  package var isEstimated: Bool

  package init(
    tenant: String? = nil, route: String? = nil, model: String? = nil, modelRoute: String? = nil,
    trafficClass: String? = nil, stream: Bool? = nil, status: Int64? = nil,
    origin: Origin? = nil, durationMs: Int64? = nil, firstTokenMs: Int64? = nil,
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

/// An exchange that was refused, as the policy names things; nil is unknown.
package struct RefusedExchange: Sendable, Equatable {
  package var tenant: String?
  package var subject: String?
  package var route: String?
  package var model: String?
  package var trafficClass: String?
  package var stream: Bool?
  /// The refusal's code.
  package var reason: String
  package var status: Int64
  /// The limit that refused.
  package var limit: String?
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

/// The work of ours whose time is measured: a message of one of these kinds, or a Check.
package enum ProcessingStage: Int, Sendable, CaseIterable {
  case requestHeaders, requestBody, responseHeaders, responseBody, check

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
