import StoreModel
import Terms
import Testing
@testable import Quota
struct TmpTests {
  @Test(arguments: [0, 3]) func tmp(seed: Int) {
    var plan = 
      FleetTests.plan(seed) {
        $0.nextRules = FleetVariantTests.lowered($0.rules)
        $0.areAmountsChanging = true
        $0.isNetworkBad = true
        $0.isFleetBad = true
        $0.isStoreBad = true
        $0.areLedgersBad = seed % 2 == 1
        $0.storeJumpsMs = seed % 3 == 0 ? 5_000 : 0
        $0.clocksDifferMs = 60_000
        $0.startMs = FleetPlan.lateMs
      }
    plan.broken = nil
    let fleet = FleetTests.live(plan, seed: seed)
    print(fleet.expectRest())
    for (name, key) in fleet.keys {
      let c = fleet.store.partitions[key.partition]?.counters[key.id]
      print("seed", seed, name, "store", c?.kind as Any, c?.sum as Any, c?.settled as Any, c?.gone as Any, "truth", fleet.truth.settled[name] as Any, fleet.truth.reserved[name] as Any, fleet.truth.lost[name] as Any)
      for r in fleet.replicas {
        guard let (part, count) = r.part(name) else { continue }
        print("seed", seed, name, r.number, r.ledger.id.suffix(3), r.ledger.start, count, "unspent", part.unspent, "known", part.known as Any, "uncertain", part.isUncertain, "must", part.mustState, "due", part.dueMs, "store", c?.holders[r.ledger.id] as Any, "open", r.open.count, "view", r.table.sharing!.partitions[key.partition].state, "fenced", r.table.fencedBy as Any, "window", part.window as Any)
      }
    }
  }
}
