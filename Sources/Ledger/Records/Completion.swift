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

  private struct Values: Equatable, Sendable {
    var requestID: String
    var tenant: String?
    var subject: String?
    var hostname: String?
    var route: String?
    var model: String?
    var modelRoute: String?
    var trafficClass: String?
    var stream: Bool?
    var httpStatus: Int64?
    var latencyMs: Int64?
    var ttftMs: Int64?
    var promptTokens: Int64?
    var cachedPromptTokens: Int64?
    var cacheWritePromptTokens: Int64?
    var cacheWrite1hPromptTokens: Int64?
    var completionTokens: Int64?
    var reasoningTokens: Int64?
    var totalTokens: Int64?
    var units: UsageUnits
    var tier: ServiceTier?
    var usageSource: UsageSource
    var costNanodollars: Int64?
    var costParts: CostParts?
    var gatewayBackend: String?
    var endReason: EndReason
    var origin: Origin?
    var droppedReason: DroppedReason?
    var traceparent: String?
    var disputed: DisputedUsage?
    var charged: [Charge]
  }

  /// A record has many fields and goes from hand to hand: it is handed on as one reference.
  private var values: CopyOnWrite<Values>

  /// These fields repeat the admission's, so that a completion can be read without it.
  package var requestID: String {
    get { values.value.requestID }
    set { values.value.requestID = newValue }
  }
  /// The tenant's name.
  package var tenant: String? {
    get { values.value.tenant }
    set { values.value.tenant = newValue }
  }
  /// The caller inside of the tenant.
  package var subject: String? {
    get { values.value.subject }
    set { values.value.subject = newValue }
  }
  /// The request's host, or `other`.
  package var hostname: String? {
    get { values.value.hostname }
    set { values.value.hostname = newValue }
  }
  /// The request's path without its query, or `other`.
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
  /// Whether the request asked for a stream.
  package var stream: Bool? {
    get { values.value.stream }
    set { values.value.stream = newValue }
  }
  /// The answer's HTTP status; nil where no answer was seen.
  package var httpStatus: Int64? {
    get { values.value.httpStatus }
    set { values.value.httpStatus = newValue }
  }
  /// The time from admission to settlement.
  package var latencyMs: Int64? {
    get { values.value.latencyMs }
    set { values.value.latencyMs = newValue }
  }
  /// The time until the first token of the answer.
  package var ttftMs: Int64? {
    get { values.value.ttftMs }
    set { values.value.ttftMs = newValue }
  }
  /// All prompt tokens, with those of the next two fields.
  package var promptTokens: Int64? {
    get { values.value.promptTokens }
    set { values.value.promptTokens = newValue }
  }
  /// Prompt tokens that the provider read from its cache.
  package var cachedPromptTokens: Int64? {
    get { values.value.cachedPromptTokens }
    set { values.value.cachedPromptTokens = newValue }
  }
  /// Prompt tokens that the provider wrote to its cache.
  package var cacheWritePromptTokens: Int64? {
    get { values.value.cacheWritePromptTokens }
    set { values.value.cacheWritePromptTokens = newValue }
  }
  /// Those of them that the cache keeps for an hour; in older ledgers always nil.
  package var cacheWrite1hPromptTokens: Int64? {
    get { values.value.cacheWrite1hPromptTokens }
    set { values.value.cacheWrite1hPromptTokens = newValue }
  }
  /// All tokens of the answer, with `reasoningTokens`.
  package var completionTokens: Int64? {
    get { values.value.completionTokens }
    set { values.value.completionTokens = newValue }
  }
  /// Tokens of the answer that the provider reports as reasoning.
  package var reasoningTokens: Int64? {
    get { values.value.reasoningTokens }
    set { values.value.reasoningTokens = newValue }
  }
  /// The total that the provider reported, or the sum of prompt and completion.
  package var totalTokens: Int64? {
    get { values.value.totalTokens }
    set { values.value.totalTokens = newValue }
  }
  /// What was reported in units other than tokens; in older ledgers always empty.
  package var units: UsageUnits {
    get { values.value.units }
    set { values.value.units = newValue }
  }
  /// The tier of service that the answer names; in older ledgers always nil.
  package var tier: ServiceTier? {
    get { values.value.tier }
    set { values.value.tier = newValue }
  }
  /// Where the counts come from.
  package var usageSource: UsageSource {
    get { values.value.usageSource }
    set { values.value.usageSource = newValue }
  }
  /// The cost in nano-dollars; written as decimal dollars, exactly.
  package var costNanodollars: Int64? {
    get { values.value.costNanodollars }
    set { values.value.costNanodollars = newValue }
  }
  /// What the cost is made of; nil where there is none, and in older ledgers.
  package var costParts: CostParts? {
    get { values.value.costParts }
    set { values.value.costParts = newValue }
  }
  /// The upstream's address as Envoy names it.
  package var gatewayBackend: String? {
    get { values.value.gatewayBackend }
    set { values.value.gatewayBackend = newValue }
  }
  /// How the exchange ended.
  package var endReason: EndReason {
    get { values.value.endReason }
    set { values.value.endReason = newValue }
  }
  /// Who gave the answer; nil where that is not known.
  package var origin: Origin? {
    get { values.value.origin }
    set { values.value.origin = newValue }
  }
  /// Why an endpoint picker's flow control dropped the request.
  package var droppedReason: DroppedReason? {
    get { values.value.droppedReason }
    set { values.value.droppedReason = newValue }
  }
  /// The request's W3C trace context, always well-formed (`TraceParent`).
  package var traceparent: String? {
    get { values.value.traceparent }
    set { values.value.traceparent = newValue }
  }
  /// What the backend reported beyond what is charged; nil where all of it is.
  package var disputed: DisputedUsage? {
    get { values.value.disputed }
    set { values.value.disputed = newValue }
  }
  /// The final charge of each counter, in place of what the admission reserved.
  package var charged: [Charge] {
    get { values.value.charged }
    set { values.value.charged = newValue }
  }

  package init(
    requestID: String, tenant: String? = nil, subject: String? = nil, hostname: String? = nil,
    route: String? = nil, model: String? = nil, modelRoute: String? = nil,
    trafficClass: String? = nil, stream: Bool? = nil, httpStatus: Int64? = nil,
    latencyMs: Int64? = nil, ttftMs: Int64? = nil, promptTokens: Int64? = nil,
    cachedPromptTokens: Int64? = nil, cacheWritePromptTokens: Int64? = nil,
    cacheWrite1hPromptTokens: Int64? = nil, completionTokens: Int64? = nil,
    reasoningTokens: Int64? = nil, totalTokens: Int64? = nil, units: UsageUnits = UsageUnits(),
    tier: ServiceTier? = nil, usageSource: UsageSource, costNanodollars: Int64? = nil,
    costParts: CostParts? = nil, gatewayBackend: String? = nil, endReason: EndReason,
    origin: Origin? = nil,
    droppedReason: DroppedReason? = nil, traceparent: String? = nil,
    disputed: DisputedUsage? = nil, charged: [Charge] = []
  ) {
    values = CopyOnWrite(
      Values(
        requestID: requestID, tenant: tenant, subject: subject, hostname: hostname, route: route,
        model: model, modelRoute: modelRoute, trafficClass: trafficClass, stream: stream,
        httpStatus: httpStatus, latencyMs: latencyMs, ttftMs: ttftMs, promptTokens: promptTokens,
        cachedPromptTokens: cachedPromptTokens, cacheWritePromptTokens: cacheWritePromptTokens,
        cacheWrite1hPromptTokens: cacheWrite1hPromptTokens, completionTokens: completionTokens,
        reasoningTokens: reasoningTokens, totalTokens: totalTokens, units: units, tier: tier,
        usageSource: usageSource, costNanodollars: costNanodollars, costParts: costParts,
        gatewayBackend: gatewayBackend, endReason: endReason, origin: origin,
        droppedReason: droppedReason, traceparent: traceparent, disputed: disputed,
        charged: charged))
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
