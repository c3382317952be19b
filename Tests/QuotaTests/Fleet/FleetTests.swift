import StoreModel
import Terms
import Testing

@testable import Quota

/// The promise of limits that are shared, for fleets of real tables under faults.
struct FleetTests {
  static let budget = Limits.budget(.tokens, 3_000, name: "daily")
  static let bucket = Limits.bucket(.tokens, 4_000, name: "tpm")
  static let slots = Limits.slots(12)
  static let global = Limits.budget(.tokens, 20_000, name: "all", owner: .global)

  static func plan(_ seed: Int, _ change: (inout FleetPlan) -> Void) -> FleetPlan {
    var plan = FleetPlan()
    let sets = [
      [budget], [bucket], [slots], [budget, bucket, slots],
      [budget, bucket, slots, global],
    ]
    plan.rules = sets[seed % sets.count]
    plan.replicas = [2, 4, 8][seed / 5 % 3]
    plan.settings.usesLeases = seed % 7 != 3
    plan.isSkewed = seed % 2 == 0
    change(&plan)
    return plan
  }

  static func live(_ plan: FleetPlan, seed: Int) -> Fleet {
    let fleet = Fleet(plan, seed: UInt64(seed))
    fleet.load()
    fleet.trouble()
    fleet.run(forMs: plan.lengthMs)
    fleet.rest()
    return fleet
  }

  static func expectPromise(_ plan: FleetPlan, seed: Int) {
    let fleet = live(plan, seed: seed)
    let problems = fleet.expectRest()
    #expect(problems.isEmpty, "\(problems.prefix(5))")
    #expect(fleet.admitted > 0)
  }

  @Test(arguments: 0..<20)
  func `a fleet without faults keeps every limit`(seed: Int) {
    Self.expectPromise(Self.plan(seed) { _ in }, seed: seed)
  }

  @Test(arguments: 0..<40)
  func `lost, late, repeated and reordered messages give nothing away`(seed: Int) {
    Self.expectPromise(Self.plan(seed) { $0.isNetworkBad = true }, seed: seed)
  }

  @Test(arguments: 0..<40)
  func `replicas that pause, die and come back give nothing away`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.isNetworkBad = seed % 2 == 1
        $0.isFleetBad = true
      }, seed: seed)
  }

  @Test(arguments: 0..<20)
  func `empty directories and old copies of a ledger give nothing away`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.isFleetBad = true
        $0.areLedgersBad = true
      }, seed: seed)
  }

  /// The others hold nothing there, and no request leads them to ask.
  @Test(arguments: [true, false])
  func `a partition that one replica uses opens soon when the store has lost it`(
    isNoticed: Bool
  ) {
    var plan = FleetPlan()
    plan.rules = [Self.budget]
    plan.replicas = 8
    plan.settings = SharingSettings(usesLeases: false, leaseMilliseconds: 10_000)
    plan.usesAll = true
    let fleet = Fleet(plan, seed: 1)
    fleet.run(forMs: 12_000)
    for _ in 0..<10 {
      fleet.request(on: fleet.replicas[0], tokens: 1)
      fleet.run(forMs: 200)
    }
    #expect(fleet.unavailable == 0)
    // Another server; or the same one has been emptied, which only the list of those who live tells.
    if isNoticed { fleet.failOver() } else { fleet.store.wipe() }
    for _ in 0..<20 {
      fleet.request(on: fleet.replicas[0], tokens: 1)
      fleet.run(forMs: 200)
    }
    #expect((1...10).contains(fleet.unavailable), "of 20 in 4 seconds")
  }

  @Test(arguments: 0..<40)
  func `a store that loses everything or comes back old gives nothing away`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.isNetworkBad = seed % 2 == 1
        $0.isStoreBad = true
      }, seed: seed)
  }

  @Test(arguments: 0..<20)
  func `clocks that differ by a minute and a window that ends change nothing`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.clocksDifferMs = 60_000
        // 10 seconds before midnight.
        $0.startMs = 1_799_020_790_000
      }, seed: seed)
  }
}
