import Terms

/// An exchange that was admitted and is over: whose it was, how it ended, what it used. Names are the
/// policy's, as in the ledger's records. Nil where a value is not known.
package struct FinishedExchange: Sendable {
  var tenant: String?
  /// The path of the request, as the policy names it.
  var route: String?
  var model: String?
  var modelRoute: String?
  var trafficClass: String?
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
  /// The usage is an estimate and not the backend's report.
  var isEstimated: Bool
  /// Tokens that the backend reported beyond what was charged.
  var disputedTokens: Int64?

  package init(
    tenant: String? = nil, route: String? = nil, model: String? = nil, modelRoute: String? = nil,
    trafficClass: String? = nil, stream: Bool? = nil, status: Int64? = nil,
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
      && stream == other.stream && status == other.status && origin == other.origin
  }
}
