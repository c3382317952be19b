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
