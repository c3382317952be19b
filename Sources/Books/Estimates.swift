import Inference
import Ledger
import Terms

/// What is known of each model's tokens, by its canonical name: learned from reported usage, kept in
/// checkpoints, so that a restart does not begin anew.
struct Estimates: Sendable {
  /// Models that are kept apart; the requests of others are estimated as if nothing were known.
  static let modelsMax = 10_000

  private var byModel: [String: TokenEstimator] = [:]
  /// Something was learned that no checkpoint has.
  private(set) var hasUnsaved = false

  /// Those that a checkpoint has. One that cannot be read is left out: it is learned again.
  init(_ saved: [ModelEstimate] = []) {
    for estimate in saved.prefix(Self.modelsMax) {
      byModel[estimate.model] = TokenEstimator(state: estimate.state)
    }
  }

  /// Of a model that nothing is known of, or of no model: as every model begins.
  func estimator(of model: String?) -> TokenEstimator {
    model.flatMap { byModel[$0] } ?? TokenEstimator()
  }

  /// An answer to a request of that size used so much.
  mutating func learn(_ size: RequestSize, _ usage: MeteredUsage) {
    guard usage.source == .reported else { return }
    guard byModel[size.model] != nil || byModel.count < Self.modelsMax else { return }
    byModel[size.model, default: TokenEstimator()].learn(size.sample(usage))
    hasUnsaved = true
  }

  /// Forgets models that the policy does not have any more.
  mutating func keep(only isKnown: (String) -> Bool) {
    byModel = byModel.filter { isKnown($0.key) }
  }

  /// All of it, for a checkpoint.
  mutating func save() -> [ModelEstimate] {
    hasUnsaved = false
    return saved
  }

  var saved: [ModelEstimate] {
    byModel.sorted { $0.key < $1.key }.map { ModelEstimate(model: $0.key, state: $0.value.state) }
  }
}
