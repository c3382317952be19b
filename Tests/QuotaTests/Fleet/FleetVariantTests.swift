import Terms
import Testing

@testable import Quota

/// The promise of shared limits where more changes than messages, replicas and the store.
struct FleetVariantTests {
  private static func lowered(_ rules: [LimitRule]) -> [LimitRule] {
    rules.map { rule in
      var window = rule.window
      if case .bucket(let period, let capacity) = window {
        window = .bucket(periodMilliseconds: period, capacity: max(1, capacity / 3))
      }
      return LimitRule(
        owner: rule.owner, name: rule.name, kind: rule.kind, amount: max(1, rule.amount / 2),
        window: window, scope: rule.scope, onStoreLoss: rule.onStoreLoss)
    }
  }

  private static func lossy(_ rules: [LimitRule], _ loss: StoreLoss) -> [LimitRule] {
    rules.map {
      LimitRule(
        owner: $0.owner, name: $0.name, kind: $0.kind, amount: $0.amount, window: $0.window,
        scope: $0.scope, onStoreLoss: loss)
    }
  }

  @Test(arguments: 0..<10)
  func `amounts that are lowered and raised give nothing away`(seed: Int) {
    let fleet = FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.nextRules = Self.lowered($0.rules)
        $0.areAmountsChanging = true
        $0.isNetworkBad = seed % 3 == 1
        $0.isFleetBad = seed % 3 == 2
      }, seed: seed)
    #expect(fleet.reloads > 5)
  }

  @Test(arguments: 0..<6)
  func `a fleet of two policies stays within the larger amounts, then within the new`(seed: Int) {
    let fleet = FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.nextRules = Self.lowered($0.rules)
        if seed % 2 == 1 { swap(&$0.rules, &$0.nextRules) }
        $0.isNetworkBad = seed % 4 == 2
      }, seed: seed)
    #expect(fleet.reloads == fleet.plan.replicas)
  }

  @Test(arguments: 0..<8)
  func `of two processes of one ledger the later goes on and the other is fenced`(seed: Int) {
    let fleet = FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.hasTwins = true
        $0.isNetworkBad = seed % 2 == 1
        $0.isFleetBad = seed % 4 > 1
      }, seed: seed)
    #expect(fleet.replicas.count > fleet.plan.replicas)
    #expect(fleet.fenced > 0)
  }

  @Test(arguments: [StoreLoss.local, .allow, .deny], 0..<5)
  func `without the store a limit gives what its rule says, and all of it is told`(
    loss: StoreLoss, seed: Int
  ) {
    let fleet = FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.rules = Self.lossy($0.rules, loss)
        $0.isStoreFar = true
        $0.isNetworkBad = seed % 2 == 1
        // Slots of a replica that was not heard are taken back: see the other tests.
        $0.settings.leaseMilliseconds = 10_000
      }, seed: seed)
    if loss == .allow { #expect(fleet.admittedWhileLost > 0) }
    if loss == .deny { #expect(fleet.admittedWhileLost == 0 && fleet.unavailable > 0) }
  }

  @Test(arguments: 0..<6)
  func `money is counted in whole micro-dollars and never below what was charged`(seed: Int) {
    FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.nanosEach = 1_234
        $0.rules = [
          Limits.budget(.usd, 3_700_000, name: "money"),
          Limits.bucket(.usd, 5_000_000, name: "money a minute"),
        ]
        if seed % 3 == 0 { $0.rules.removeLast() }
        if seed % 3 == 1 { $0.rules.removeFirst() }
        $0.isNetworkBad = seed % 2 == 1
        $0.isFleetBad = seed % 4 > 1
      }, seed: seed)
  }

  @Test(arguments: 0..<8)
  func `each caller has its own counter, and keeps to it`(seed: Int) {
    FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.subjects = 6
        let all = [
          Limits.budget(.tokens, 500, name: "daily", scope: .subject),
          Limits.bucket(.tokens, 800, name: "tpm", scope: .subject),
          Limits.slots(3, scope: .subject),
        ]
        $0.rules = seed % 4 == 3 ? all + [FleetTests.global] : [all[seed % 4]]
        $0.isNetworkBad = seed % 2 == 1
        $0.isFleetBad = seed % 3 == 2
      }, seed: seed)
  }

  @Test(arguments: 0..<6)
  func `a store whose clock is set gives away at most a bucket's capacity`(seed: Int) {
    FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.storeJumpsMs = [2_000, 20_000, 90_000][seed % 3]
        $0.startMs = FleetPlan.lateMs
        $0.isNetworkBad = seed % 2 == 1
      }, seed: seed)
  }

  @Test(arguments: 0..<8)
  func `what exchanges use beyond their reservation is counted once for all`(seed: Int) {
    FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.owes = true
        $0.isNetworkBad = seed % 2 == 1
        $0.isFleetBad = seed % 4 > 1
      }, seed: seed)
  }

  @Test(arguments: 0..<10)
  func `all of it together gives nothing away`(seed: Int) {
    FleetTests.expectPromise(
      FleetTests.plan(seed) {
        $0.nextRules = Self.lowered($0.rules)
        $0.areAmountsChanging = true
        $0.isNetworkBad = true
        $0.isFleetBad = true
        $0.isStoreBad = true
        $0.areLedgersBad = seed % 2 == 1
        $0.storeJumpsMs = seed % 3 == 0 ? 5_000 : 0
        $0.clocksDifferMs = 60_000
        $0.startMs = FleetPlan.lateMs
      }, seed: seed)
  }
}
