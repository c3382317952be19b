import Terms

/// The record `completion`: how an allowed exchange ended, what it used, and what each counter is
/// charged in the end.
///
/// A nil field is `null` in the record: it is not known, or the exchange has no such thing. It is
/// never written as 0.
package struct Completion: Equatable, Sendable {
  /// How the exchange ended.
  package enum EndReason: String, Sendable, CaseIterable {
    /// The answer was sent to its end.
    case complete
    /// Never written by this version. It is still read, because `end_reason` may be `refused` in a
    /// ledger that another version wrote.
    case refused
    /// The backend or Envoy answered with an error.
    case failed
    /// The exchange ended before the answer did.
    case cut
    /// The process ended before the exchange did.
    case interrupted
  }

  /// These fields repeat the admission's, so that a completion can be read without it.
  package var requestID: String
  /// The tenant's name.
  package var tenant: String?
  /// The caller inside of the tenant.
  package var subject: String?
  /// The request's host, or `other`.
  package var hostname: String?
  /// The request's path without its query, or `other`.
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
  /// Whether the request asked for a stream.
  package var stream: Bool?
  /// The answer's HTTP status; nil where no answer was seen.
  package var httpStatus: Int64?
  /// The time from admission to settlement.
  package var latencyMs: Int64?
  /// The time until the first token of the answer.
  package var ttftMs: Int64?
  /// All prompt tokens, with those of the next two fields.
  package var promptTokens: Int64?
  /// Prompt tokens that the provider read from its cache.
  package var cachedPromptTokens: Int64?
  /// Prompt tokens that the provider wrote to its cache.
  package var cacheWritePromptTokens: Int64?
  /// Those of them that the cache keeps for an hour; in older ledgers always nil.
  package var cacheWrite1hPromptTokens: Int64?
  /// All tokens of the answer, with `reasoningTokens`.
  package var completionTokens: Int64?
  /// Tokens of the answer that the provider reports as reasoning.
  package var reasoningTokens: Int64?
  /// The total that the provider reported, or the sum of prompt and completion.
  package var totalTokens: Int64?
  /// What was reported in units other than tokens; in older ledgers always empty.
  package var units: UsageUnits
  /// The tier of service that the answer names; in older ledgers always nil.
  package var tier: ServiceTier?
  /// Where the counts come from.
  package var usageSource: UsageSource
  /// The cost in nano-dollars; written as decimal dollars, exactly.
  package var costNanodollars: Int64?
  /// What the cost is made of; nil where there is none, and in older ledgers.
  package var costParts: CostParts?
  /// The upstream's address as Envoy names it.
  package var gatewayBackend: String?
  /// How the exchange ended.
  package var endReason: EndReason
  /// Why the model stopped, as its answer says; in older ledgers always nil.
  package var finishReason: FinishReason?
  /// Who gave the answer; nil where that is not known.
  package var origin: Origin?
  /// Why an endpoint picker's flow control dropped the request.
  package var droppedReason: DroppedReason?
  /// The request's W3C trace context, always well-formed (`TraceParent`).
  package var traceparent: String?
  /// What the backend reported beyond what is charged; nil where all of it is.
  package var disputed: DisputedUsage?
  /// The final charge of each counter, in place of what the admission reserved.
  package var charged: [Charge]

  package init(
    requestID: String, tenant: String? = nil, subject: String? = nil, hostname: String? = nil,
    route: String? = nil, model: String? = nil, modelRoute: String? = nil,
    trafficClass: String? = nil, operation: GenAIOperation? = nil, provider: String? = nil,
    stream: Bool? = nil, httpStatus: Int64? = nil,
    latencyMs: Int64? = nil, ttftMs: Int64? = nil, promptTokens: Int64? = nil,
    cachedPromptTokens: Int64? = nil, cacheWritePromptTokens: Int64? = nil,
    cacheWrite1hPromptTokens: Int64? = nil, completionTokens: Int64? = nil,
    reasoningTokens: Int64? = nil, totalTokens: Int64? = nil, units: UsageUnits = UsageUnits(),
    tier: ServiceTier? = nil, usageSource: UsageSource, costNanodollars: Int64? = nil,
    costParts: CostParts? = nil, gatewayBackend: String? = nil, endReason: EndReason,
    finishReason: FinishReason? = nil, origin: Origin? = nil,
    droppedReason: DroppedReason? = nil, traceparent: String? = nil,
    disputed: DisputedUsage? = nil, charged: [Charge] = []
  ) {
    self.requestID = requestID
    self.tenant = tenant
    self.subject = subject
    self.hostname = hostname
    self.route = route
    self.model = model
    self.modelRoute = modelRoute
    self.trafficClass = trafficClass
    self.operation = operation
    self.provider = provider
    self.stream = stream
    self.httpStatus = httpStatus
    self.latencyMs = latencyMs
    self.ttftMs = ttftMs
    self.promptTokens = promptTokens
    self.cachedPromptTokens = cachedPromptTokens
    self.cacheWritePromptTokens = cacheWritePromptTokens
    self.cacheWrite1hPromptTokens = cacheWrite1hPromptTokens
    self.completionTokens = completionTokens
    self.reasoningTokens = reasoningTokens
    self.totalTokens = totalTokens
    self.units = units
    self.tier = tier
    self.usageSource = usageSource
    self.costNanodollars = costNanodollars
    self.costParts = costParts
    self.gatewayBackend = gatewayBackend
    self.endReason = endReason
    self.finishReason = finishReason
    self.origin = origin
    self.droppedReason = droppedReason
    self.traceparent = traceparent
    self.disputed = disputed
    self.charged = charged
  }
}

/// Tokens that a backend reported and nobody is charged, because they are more than it can have used.
package struct DisputedUsage: Equatable, Sendable {
  package var promptTokens: Int64
  package var completionTokens: Int64

  /// Both; at most `Int64.max`: a record on disk may say any numbers.
  package var tokens: Int64 { Int64(clamping: Int128(promptTokens) + Int128(completionTokens)) }

  package init(promptTokens: Int64, completionTokens: Int64) {
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
  }
}
