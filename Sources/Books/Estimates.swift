import Inference
import Ledger
import Terms

/// What is known of each model's tokens, by its canonical name: learned from reported usage, kept in
/// checkpoints and in `stop` records, so that a restart does not begin anew.
struct Estimates: Sendable {
  /// Models that are kept apart; the requests of others are estimated as if nothing were known.
  static let modelsMax = 10_000
  /// Integers of estimates that one `stop` record holds: it must fit into one batch of the ledger. The
  /// models beyond begin with what the last checkpoint has.
  static let unsavedIntegersMax = 100_000

  private var byModel: [String: TokenEstimator] = [:]
  /// Models of which something was learned that no checkpoint has.
  private var unsavedModels: Set<String> = []

  /// Those that a checkpoint has. One that cannot be read is left out: it is learned again.
  init(_ saved: [ModelEstimate] = []) { restore(saved) }

  /// Those that a `stop` has, which are newer than the checkpoint's.
  mutating func restore(_ saved: [ModelEstimate]) {
    for estimate in saved where byModel[estimate.model] != nil || byModel.count < Self.modelsMax {
      guard let estimator = TokenEstimator(state: estimate.state) else { continue }
      byModel[estimate.model] = estimator
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
    unsavedModels.insert(size.model)
  }

  /// Forgets models that the policy does not have any more.
  mutating func keep(only isKnown: (String) -> Bool) {
    byModel = byModel.filter { isKnown($0.key) }
    unsavedModels = unsavedModels.filter(isKnown)
  }

  /// All of it, for a checkpoint.
  mutating func save() -> [ModelEstimate] {
    unsavedModels = []
    return all
  }

  /// All of it, by model.
  var all: [ModelEstimate] { Self.list(byModel) }

  /// What no checkpoint has, for a `stop` record.
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
