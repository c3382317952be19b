import Terms

/// An entry of `classes`: what a kind of traffic needs.
package struct TrafficClass: Sendable, Equatable {
  package let name: HeaderText
  /// The name with `-` in place of `_`: the name of an InferenceObjective (Gateway API Inference
  /// Extension), which must be a Kubernetes name.
  package let inferenceObjective: HeaderText
  /// Whether somebody waits for the response.
  package let latencySensitive: Bool
  /// Whether responses may be streams.
  package let streaming: Bool
  /// Whether a request may be repeated.
  package let retryFriendly: Bool
  /// The most exchanges of this class at the same time, for each tenant; nil for no limit.
  package let maxConcurrent: Int?
  /// `on_store_loss` of that limit, where the policy states it.
  package let statedStoreLoss: StoreLoss?

  /// What to do while the shared store of `maxConcurrent` is lost.
  package var onStoreLoss: StoreLoss { statedStoreLoss ?? .lease }

  init(
    name: String, latencySensitive: Bool, streaming: Bool, retryFriendly: Bool,
    maxConcurrent: Int?, statedStoreLoss: StoreLoss? = nil
  ) {
    self.name = HeaderText(name)
    inferenceObjective = HeaderText(String(name.map { $0 == "_" ? "-" : $0 }))
    self.latencySensitive = latencySensitive
    self.streaming = streaming
    self.retryFriendly = retryFriendly
    self.maxConcurrent = maxConcurrent
    self.statedStoreLoss = statedStoreLoss
  }
}
