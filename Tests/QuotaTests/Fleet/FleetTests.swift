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
    fleet.rollOut()
    fleet.load()
    fleet.trouble()
    fleet.run(forMs: plan.lengthMs)
    fleet.rest()
    return fleet
  }

  @discardableResult
  static func expectPromise(_ plan: FleetPlan, seed: Int) -> Fleet {
    let fleet = live(plan, seed: seed)
    let problems = fleet.expectRest()
    #expect(problems.isEmpty, "\(problems.prefix(5))")
    #expect(fleet.admitted > 0)
    return fleet
  }

  @Test(arguments: 0..<15)
  func `a fleet without faults keeps every limit`(seed: Int) {
    Self.expectPromise(Self.plan(seed) { _ in }, seed: seed)
  }

  @Test(arguments: 0..<20)
  func `lost, late, repeated and reordered messages give nothing away`(seed: Int) {
    Self.expectPromise(Self.plan(seed) { $0.isNetworkBad = true }, seed: seed)
  }

  @Test(arguments: 0..<20)
  func `replicas that pause, die and come back give nothing away`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.isNetworkBad = seed % 2 == 1
        $0.isFleetBad = true
      }, seed: seed)
  }

  @Test(arguments: 0..<10)
  func `empty directories and old copies of a ledger give nothing away`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.isFleetBad = true
        $0.areLedgersBad = true
      }, seed: seed)
  }

  @Test(arguments: 0..<20)
  func `a store that loses everything or comes back old gives nothing away`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.isNetworkBad = seed % 2 == 1
        $0.isStoreBad = true
      }, seed: seed)
  }

  @Test(arguments: 0..<10)
  func `clocks that differ by a minute and a window that ends change nothing`(seed: Int) {
    Self.expectPromise(
      Self.plan(seed) {
        $0.clocksDifferMs = 60_000
        $0.startMs = FleetPlan.lateMs
      }, seed: seed)
  }
}
