import Terms

/// How a kind of traffic is to be treated: the fields of a traffic profile.
package struct TrafficClass: Sendable, Equatable {
  package let name: HeaderText
  /// The name with `-` for `_`, as the Gateway API Inference Extension writes objectives.
  package let inferenceObjective: HeaderText
  package let latencySensitive: Bool
  package let streaming: Bool
  package let retryFriendly: Bool
  /// Exchanges of this class at once, over all tenants; nil for no bound.
  package let maxConcurrent: Int?

  init(
    name: String, latencySensitive: Bool, streaming: Bool, retryFriendly: Bool,
    maxConcurrent: Int?
  ) {
    self.name = HeaderText(name)
    inferenceObjective = HeaderText(String(name.map { $0 == "_" ? "-" : $0 }))
    self.latencySensitive = latencySensitive
    self.streaming = streaming
    self.retryFriendly = retryFriendly
    self.maxConcurrent = maxConcurrent
  }
}
