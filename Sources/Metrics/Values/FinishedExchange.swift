import Terms

/// An exchange that was admitted and is over: whose it was, how it ended, what it used. Names are the
/// policy's, as in the ledger's records. Nil where a value is not known.
package struct FinishedExchange: Sendable {
  /// How an exchange may end in an error, whatever its status: the answer was one, was cut, or the
  /// process ended. The raw value is the label `error_type`.
  package enum Fault: String, Sendable { case failed, cut, interrupted }

  var tenant: String?
  /// The path of the request, as the policy names it.
  var route: String?
  var model: String?
  var modelRoute: String?
  var trafficClass: String?
  /// What was asked for, and who serves the model.
  var operation: GenAIOperation?
  var provider: String?
  /// Whether the client asked for a stream.
  var stream: Bool?
  /// The HTTP status of the response.
  var status: Int64?
  /// Who made the response: the gateway or the backend.
  var origin: Origin?
  /// From the admission to the end of the response.
  var durationMs: Int64?
  /// From the admission to the first token of the response.
  var firstTokenMs: Int64?
  /// Cached and cache-written tokens included.
  var promptTokens: Int64?
  /// Reasoning tokens included.
  var completionTokens: Int64?
  var cachedPromptTokens: Int64?
  var cacheWritePromptTokens: Int64?
  var reasoningTokens: Int64?
  var costNanodollars: Int64?
  /// The tokens are the backend's report.
  var isReported: Bool
  /// Why it ended otherwise than it should; nil where it did not.
  var fault: Fault?
  /// The usage is an estimate and not the backend's report.
  var isEstimated: Bool
  /// Tokens that the backend reported beyond what was charged.
  var disputedTokens: Int64?

  package init(
    tenant: String? = nil, route: String? = nil, model: String? = nil, modelRoute: String? = nil,
    trafficClass: String? = nil, operation: GenAIOperation? = nil, provider: String? = nil,
    stream: Bool? = nil, status: Int64? = nil, isReported: Bool = false, fault: Fault? = nil,
    origin: Origin? = nil, durationMs: Int64? = nil, firstTokenMs: Int64? = nil,
    promptTokens: Int64? = nil, completionTokens: Int64? = nil, cachedPromptTokens: Int64? = nil,
    cacheWritePromptTokens: Int64? = nil, reasoningTokens: Int64? = nil,
    costNanodollars: Int64? = nil, isEstimated: Bool = false, disputedTokens: Int64? = nil
  ) {
    self.tenant = tenant
    self.route = route
    self.model = model
    self.modelRoute = modelRoute
    self.trafficClass = trafficClass
    self.operation = operation
    self.provider = provider
    self.isReported = isReported
    self.fault = fault
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
    self.disputedTokens = disputedTokens
  }

  /// Whether another one counts in the same series.
  func hasLabels(of other: FinishedExchange) -> Bool {
    tenant == other.tenant && route == other.route && model == other.model
      && modelRoute == other.modelRoute && trafficClass == other.trafficClass
      && operation == other.operation && provider == other.provider && stream == other.stream
      && status == other.status && fault == other.fault && origin == other.origin
  }
}
