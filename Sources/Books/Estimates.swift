import Inference
import Ledger
import Terms

/// A token estimator for each model, by canonical name. They learn from reported usage and are
/// saved in checkpoints, so that a restart does not lose what they learned.
struct Estimates: Sendable {
  /// The most models that have an estimator; further ones are estimated as if nothing were known.
  static let modelsMax = 10_000

  private var byModel: [String: TokenEstimator] = [:]
  /// Whether something was learned that no checkpoint has saved.
  private(set) var hasUnsaved = false

  /// The estimators that a checkpoint saved. One that cannot be read is left out, and learned
  /// again.
  init(_ saved: [ModelEstimate] = []) {
    for estimate in saved.prefix(Self.modelsMax) {
      byModel[estimate.model] = TokenEstimator(state: estimate.state)
    }
  }

  /// The model's estimator; a new one where nothing is known of the model, or there is no model.
  func estimator(of model: String?) -> TokenEstimator {
    model.flatMap { byModel[$0] } ?? TokenEstimator()
  }

  /// Learns from the usage of an answer to a request of that size. Only reported usage counts.
  mutating func learn(_ size: RequestSize, _ usage: MeteredUsage) {
    guard usage.source == .reported else { return }
    guard byModel[size.model] != nil || byModel.count < Self.modelsMax else { return }
    byModel[size.model, default: TokenEstimator()].learn(size.sample(usage))
    hasUnsaved = true
  }

  /// Forgets models that the policy no longer has.
  mutating func keep(only isKnown: (String) -> Bool) {
    byModel = byModel.filter { isKnown($0.key) }
  }

  /// The state of all estimators, for a checkpoint, which counts as saved from then on.
  mutating func save() -> [ModelEstimate] {
    hasUnsaved = false
    return saved
  }

  /// The state of all estimators, by model name.
  var saved: [ModelEstimate] {
    byModel.sorted { $0.key < $1.key }.map { ModelEstimate(model: $0.key, state: $0.value.state) }
  }
}
