import Inference
import Ledger
import Terms

/// A token estimator for each model, by canonical name. They learn from reported usage and are
/// saved in checkpoints and in `stop` records, so that a restart does not lose what they learned.
struct Estimates: Sendable {
  /// The most models that have an estimator; further ones are estimated as if nothing were known.
  static let modelsMax = 10_000
  /// The most integers of estimates in one `stop` record, which must fit into one batch of the
  /// ledger. Further models restart with what the last checkpoint saved.
  static let unsavedIntegersMax = 100_000

  private var byModel: [String: TokenEstimator] = [:]
  /// The models of which something was learned that no checkpoint has saved.
  private var unsavedModels: Set<String> = []

  /// The estimators that a checkpoint saved. One that cannot be read is left out, and learned
  /// again.
  init(_ saved: [ModelEstimate] = []) { restore(saved) }

  /// Takes the estimators that a `stop` record saved, which are newer than the checkpoint's.
  mutating func restore(_ saved: [ModelEstimate]) {
    for estimate in saved where byModel[estimate.model] != nil || byModel.count < Self.modelsMax {
      guard let estimator = TokenEstimator(state: estimate.state) else { continue }
      byModel[estimate.model] = estimator
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
    unsavedModels.insert(size.model)
  }

  /// Forgets models that the policy no longer has.
  mutating func keep(only isKnown: (String) -> Bool) {
    byModel = byModel.filter { isKnown($0.key) }
    unsavedModels = unsavedModels.filter(isKnown)
  }

  /// The state of all estimators, for a checkpoint, which counts as saved from then on.
  mutating func save() -> [ModelEstimate] {
    unsavedModels = []
    return all
  }

  /// The state of all estimators, by model name.
  var all: [ModelEstimate] { Self.list(byModel) }

  /// The state of those that no checkpoint has saved, for a `stop` record: as many as
  /// `unsavedIntegersMax` allows.
  var unsaved: [ModelEstimate] {
    var room = Self.unsavedIntegersMax
    return Self.list(byModel.filter { unsavedModels.contains($0.key) }).filter {
      room -= $0.state.count
      return room >= 0
    }
  }

  private static func list(_ estimators: [String: TokenEstimator]) -> [ModelEstimate] {
    estimators.sorted { $0.key < $1.key }
      .map { ModelEstimate(model: $0.key, state: $0.value.state) }
  }
}
