import Quota

/// The store's side of statements in exact integers: what the scripts of `Store` do, without Redis.
/// The suites compare the scripts with it, and a fleet is simulated on it.
///
/// It is a value: a copy of it is a copy of the store, and giving it back is a fail-over to an old
/// copy. The clock and the id of the server's run are passed in.
package struct StoreModel: Sendable, Equatable {
  package private(set) var partitions: [Int: PartitionModel] = [:]
  package private(set) var presence = PresenceModel()
  /// The rule that it does not keep to; nil in every test but those of the tests.
  package var broken: StoreBreak?

  package init() {}

  /// FLUSHALL, or an empty server in the old one's place.
  package mutating func wipe() {
    partitions = [:]
    presence = PresenceModel()
  }
  package mutating func wipe(partition: Int) { partitions[partition] = nil }
  package func copy() -> StoreModel { self }
  /// A fail-over to a copy that lacks the last writes. The caller states another run id from now on.
  package mutating func restore(_ copy: StoreModel) { self = copy }

  /// One call. `alive`: whom the caller saw alive within the lease's time, by complete views
  /// (`FleetView.isComplete`), itself among them; empty where it has seen none. `history`: which
  /// history of writes the server goes on with, `master_replid`.
  package mutating func state(
    _ call: StatementCall, by holder: Holder, nonce: UInt32, runID: String, history: String = "",
    alive: [Holder], leaseMs: Int64, storeMs: Int64
  ) throws(InvalidCall) -> StatementCallAnswer {
    var partition = partitions[call.partition] ?? PartitionModel()
    let caller = CallerModel(
      holder: holder, nonce: nonce, runID: runID, history: history, alive: alive,
      leaseMs: leaseMs, nowMs: storeMs, broken: broken)
    // What has expired is gone, also where the call is refused.
    partition.expire(at: storeMs)
    partitions[call.partition] = partition
    let answer = try partition.state(call, by: caller)
    partitions[call.partition] = partition
    return answer
  }

  /// A replica states that it lives. `isStarting`: in the first such call of its process; `told`: up to
  /// which change it has been told who lives.
  package mutating func presence(
    of holder: Holder, nonce: UInt32, name: String, revision: String, isStarting: Bool,
    leaseMs: Int64, storeMs: Int64, told: FleetMirror.Told
  ) -> PresenceAnswer? {
    presence.state(
      holder, nonce: nonce, name: name, revision: revision, isStarting: isStarting,
      leaseMs: leaseMs, nowMs: storeMs, told: told)
  }

  /// The sum of a counter, and who holds how much of it, by ledger: for assertions.
  package func holdings(of key: SharedKey) -> (sum: Int64, holds: [String: Int64]) {
    guard let counter = partitions[key.partition]?.counters[key.id] else { return (0, [:]) }
    return (counter.sum, counter.holders.mapValues(\.hold))
  }
}

/// Who calls, and how.
struct CallerModel {
  let holder: Holder
  let nonce: UInt32
  let runID: String
  let history: String
  let alive: [Holder]
  let leaseMs: Int64
  let nowMs: Int64
  let broken: StoreBreak?
}
