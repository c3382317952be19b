import Books
import Quota
import Terms

/// A store with everything that can be said of one.
enum StoreSample {
  static let own = Holder(ledger: String(repeating: "0a", count: 16), start: 3)
  static let other = Holder(ledger: String(repeating: "0b", count: 16), start: 1)
  static let gone = Holder(ledger: String(repeating: "0c", count: 16), start: 2)

  static var status: StoreStatus {
    var status = StoreStatus(address: "redis://127.0.0.1:6379", replica: "one", holder: own)
    status.holdsReadiness = false
    status.fleet = FleetView(replicas: [
      .init(holder: own, name: "one", revision: "r1", sinceMs: 1_764_460_800_000),
      .init(holder: other, name: "two", revision: "r2", sinceMs: 1_764_460_799_500),
    ])
    var leased = StoreAmounts()
    leased.add(1_500, .tokens)
    leased.add(2_500_000_000, .usd)
    status.partitions = [
      .init(number: 1, state: .open, sinceMs: 1_764_460_700_000, leased: leased),
      .init(number: 7, state: .lost, sinceMs: 1_764_460_790_000, leased: leased),
      .init(
        number: 9, state: .opening, sinceMs: 1_764_460_795_000,
        opening: .init(isClaimed: true, claimed: 1, expected: 2, sinceMs: 1_764_460_795_000)),
    ]
    status.leasedCounters = [
      LeasedCounter(counter: "global/month", partition: 1, kind: .usd, amount: 2_500_000_000)
    ]
    status.warnings = ["min-replicas-to-write is 0: the master goes on when it is alone"]
    (status.waiting, status.calls, status.statements) = (2, 30, 90)
    (status.fromSlices, status.asked, status.refusedByWord) = (500, 20, 7)
    (status.unanswered, status.reconnects) = (3, 1)
    status.failures = ["READONLY": 4]
    status.add(StoreNote(.joined, timeMs: 1_764_460_700_000, replicas: 2))
    status.add(StoreNote(.lost, timeMs: 1_764_460_790_000, partitions: [7], replicas: 2))
    var bound = StoreAmounts()
    bound.add(40_000_000, .usd)
    status.add(
      StoreNote(
        .opened(.init(stated: [own, other], missing: [gone], bound: bound)),
        timeMs: 1_764_460_795_500, partitions: [2, 3]))
    status.add(StoreNote(.returned, timeMs: 1_764_460_796_000, partitions: [2, 3], replicas: 2))
    return status
  }
}
