import Inference
import Ledger
import Terms

/// What is known of the tokens of each tenant and model, by the model's canonical name. One tenant's
/// habits do not change another's estimate: each has its own, which begins with the model's own. That
/// is the middle of what several tenants have learned, so that none of them alone can move it.
///
/// Everything is saved in checkpoints and in `stop` records, so that a restart does not lose it.
struct Estimates: Sendable {
  /// The most tenants and models that have an estimator; who was not used for longest is forgotten
  /// first, and begins again with the model's own.
  static let estimatesMax = 10_000
  /// The most models that have an estimator of their own.
  static let modelsMax = 10_000
  /// How many tenants must know a model before its own estimator follows them: with fewer, one of them
  /// would decide for all.
  static let tenantsMin = 3
  /// The most tenants that a model's own estimator follows: those that knew it first.
  static let tenantsMax = 31
  /// How many plausible answers a tenant has behind it whenever the model's own hears of it.
  static let answersPerWord = 16
  /// The most bytes of estimates in one `stop` record, which must fit into one batch of the ledger.
  /// Further ones restart with what the last checkpoint saved.
  static let unsavedBytesMax = LedgerLimits.batchBytesMax / 2

  /// A model's own estimator, and the ratios of the tenants that it follows.
  private struct Shared {
    var estimator = TokenEstimator()
    var isUnsaved = false
    var byTenant: [String: TokenEstimator] = [:]
  }

  private var own = EstimateTable(countMax: estimatesMax)
  private var shared: [String: Shared] = [:]

  /// The estimators that a checkpoint saved. One that cannot be read is left out, and learned
  /// again.
  init(_ saved: [ModelEstimate] = []) { restore(saved) }

  /// Takes the estimators that a `stop` record saved, which are newer than the checkpoint's.
  mutating func restore(_ saved: [ModelEstimate]) {
    for estimate in saved {
      guard let estimator = TokenEstimator(state: estimate.state) else { continue }
      if let tenant = estimate.tenant {
        own.use(.init(tenant: tenant, model: estimate.model), start: estimator) {
          $0.estimator = estimator
        }
      } else if shared[estimate.model] != nil || shared.count < Self.modelsMax {
        // Of what was everybody's before, the lengths were whoever's wrote most.
        shared[estimate.model, default: Shared()].estimator = estimator.start
      }
    }
  }

  /// The tenant's estimator for the model: the model's own where nothing is known of the tenant, and a
  /// new one where nothing is known of the model either, or there is no model.
  func estimator(ofTenant tenant: String, model: String?) -> TokenEstimator {
    guard let model else { return TokenEstimator() }
    return own.estimator(of: .init(tenant: tenant, model: model))
      ?? shared[model]?.estimator ?? TokenEstimator()
  }

  /// Learns from the usage of an answer to a tenant's request of that size. Only reported usage
  /// counts.
  mutating func learn(ofTenant tenant: String, _ size: RequestSize, _ usage: MeteredUsage) {
    guard usage.source == .reported else { return }
    let start = shared[size.model]?.estimator
    var word: TokenEstimator?
    own.use(
      .init(tenant: tenant, model: size.model), start: start ?? TokenEstimator()
    ) { entry in
      guard entry.estimator.learn(size.sample(usage)) else { return }
      entry.isUnsaved = true
      entry.answers += 1
      if entry.answers.isMultiple(of: Self.answersPerWord) { word = entry.estimator.start }
    }
    if let word { hear(word, ofTenant: tenant, model: size.model) }
  }

  /// Tells the model's own estimator what a tenant has learned.
  private mutating func hear(_ word: TokenEstimator, ofTenant tenant: String, model: String) {
    guard shared[model] != nil || shared.count < Self.modelsMax else { return }
    var heard = shared[model] ?? Shared()
    guard heard.byTenant[tenant] != nil || heard.byTenant.count < Self.tenantsMax else { return }
    heard.byTenant[tenant] = word
    if heard.byTenant.count >= Self.tenantsMin,
      let median = TokenEstimator.median(of: Array(heard.byTenant.values)),
      median != heard.estimator
    {
      heard.estimator = median
      heard.isUnsaved = true
    }
    shared[model] = heard
  }

  /// Forgets tenants and models that the policy no longer has.
  mutating func keep(tenant isTenant: (String) -> Bool, model isModel: (String) -> Bool) {
    own.keep { isTenant($0.tenant) && isModel($0.model) }
    shared = shared.filter { isModel($0.key) }.mapValues { heard in
      var heard = heard
      heard.byTenant = heard.byTenant.filter { isTenant($0.key) }
      return heard
    }
  }

  /// The state of all estimators, for a checkpoint, which counts as saved from then on.
  mutating func save() -> [ModelEstimate] {
    own.noteSaved()
    for model in shared.keys { shared[model]?.isUnsaved = false }
    return all
  }

  /// The state of all estimators: the models' own first, then the tenants'.
  var all: [ModelEstimate] { list(unsavedOnly: false) }

  /// The state of those that no checkpoint has saved, for a `stop` record: as many as
  /// `unsavedBytesMax` allows.
  var unsaved: [ModelEstimate] {
    var room = Self.unsavedBytesMax
    return list(unsavedOnly: true).filter {
      room -= Self.bytes(of: $0)
      return room >= 0
    }
  }

  private func list(unsavedOnly: Bool) -> [ModelEstimate] {
    // A model that only has heard of tenants has nothing of its own to save.
    let models = shared.filter {
      unsavedOnly ? $0.value.isUnsaved : $0.value.estimator != TokenEstimator()
    }
    let tenants = own.entries.filter { !unsavedOnly || $0.isUnsaved }
    return models.sorted { $0.key < $1.key }
      .map { ModelEstimate(model: $0.key, state: $0.value.estimator.state) }
      + tenants.sorted { ($0.key.tenant, $0.key.model) < ($1.key.tenant, $1.key.model) }
      .map { .init(tenant: $0.key.tenant, model: $0.key.model, state: $0.estimator.state) }
  }

  /// What an estimate takes in a record: at most, as names of tenants and models are not escaped.
  private static func bytes(of estimate: ModelEstimate) -> Int {
    let digits = estimate.state.reduce(0) { $0 + String($1).utf8.count + 1 }
    return #"{"tenant":"","model":"","state":[]},"#.utf8.count + estimate.model.utf8.count
      + (estimate.tenant?.utf8.count ?? 0) + digits
  }
}
