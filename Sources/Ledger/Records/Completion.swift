import Terms

/// How an allowed exchange ended, what it used, and what each counter is charged in the end.
package struct Completion: Equatable, Sendable {
  package enum EndReason: String, Sendable, CaseIterable {
    case complete, refused, failed, cut, interrupted
  }

  package var requestID: String
  package var tenant: String?
  package var subject: String?
  package var hostname: String?
  package var route: String?
  package var model: String?
  package var modelRoute: String?
  package var trafficClass: String?
  package var stream: Bool?
  package var httpStatus: Int64?
  package var latencyMs: Int64?
  package var ttftMs: Int64?
  package var promptTokens: Int64?
  package var cachedPromptTokens: Int64?
  package var cacheWritePromptTokens: Int64?
  package var completionTokens: Int64?
  package var reasoningTokens: Int64?
  package var totalTokens: Int64?
  package var usageSource: UsageSource
  /// Nano-dollars; written as dollars, exactly.
  package var costNanodollars: Int64?
  /// The upstream as Envoy names it.
  package var gatewayBackend: String?
  package var endReason: EndReason
  package var origin: Origin?
  package var traceparent: String?
  package var charged: [Charge]

  package init(
    requestID: String, tenant: String? = nil, subject: String? = nil, hostname: String? = nil,
    route: String? = nil, model: String? = nil, modelRoute: String? = nil,
    trafficClass: String? = nil, stream: Bool? = nil, httpStatus: Int64? = nil,
    latencyMs: Int64? = nil, ttftMs: Int64? = nil, promptTokens: Int64? = nil,
    cachedPromptTokens: Int64? = nil, cacheWritePromptTokens: Int64? = nil,
    completionTokens: Int64? = nil, reasoningTokens: Int64? = nil, totalTokens: Int64? = nil,
    usageSource: UsageSource, costNanodollars: Int64? = nil, gatewayBackend: String? = nil,
    endReason: EndReason, origin: Origin? = nil, traceparent: String? = nil,
    charged: [Charge] = []
  ) {
    self.requestID = requestID
    self.tenant = tenant
    self.subject = subject
    self.hostname = hostname
    self.route = route
    self.model = model
    self.modelRoute = modelRoute
    self.trafficClass = trafficClass
    self.stream = stream
    self.httpStatus = httpStatus
    self.latencyMs = latencyMs
    self.ttftMs = ttftMs
    self.promptTokens = promptTokens
    self.cachedPromptTokens = cachedPromptTokens
    self.cacheWritePromptTokens = cacheWritePromptTokens
    self.completionTokens = completionTokens
    self.reasoningTokens = reasoningTokens
    self.totalTokens = totalTokens
    self.usageSource = usageSource
    self.costNanodollars = costNanodollars
    self.gatewayBackend = gatewayBackend
    self.endReason = endReason
    self.origin = origin
    self.traceparent = traceparent
    self.charged = charged
  }
}
