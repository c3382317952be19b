/// Limits that are shared with other replicas through a store. All times named `bootMs` are of one
/// clock that counts the time that passes, and never steps.
extension QuotaTable {
  /// From now on the limits are shared. After recovery, before any request.
  package mutating func share(
    _ settings: SharingSettings, as holder: Holder, now: Int64, bootMs: Int64
  ) {}

  package var isShared: Bool { false }

  /// The calls that are due now, to be sent at once. At most one is under way for each counter.
  package mutating func callsDue(bootMs: Int64) -> [StatementCallUnderWay] { [] }

  /// When `callsDue` gives something next, if nobody asks before; nil where nothing is known to be.
  package mutating func nextDue(bootMs: Int64) -> Int64? { nil }

  /// The store answered.
  package mutating func answered(_ id: UInt64, _ answer: StatementCallAnswer, bootMs: Int64) {}

  /// The call will not be answered: its connection is gone, or the answer is a failure. What became
  /// of it is not known; a new statement will say how things are.
  package mutating func unanswered(_ id: UInt64, bootMs: Int64) {}

  /// The partition's store does not answer any more.
  package mutating func lost(partition: Int, bootMs: Int64) {}

  /// The partition's store can be asked again. It is lost until it has answered.
  package mutating func reached(partition: Int, bootMs: Int64) {}

  /// Which replicas live.
  package mutating func alive(_ fleet: FleetView) {}

  /// Whether the request can be tried again: nothing that it waits for is due or under way.
  package func isAnswered(_ ask: QuotaAsk) -> Bool { true }

  /// The request is not tried again.
  package mutating func withdraw(_ ask: QuotaAsk) {}

  /// Another process goes on with this ledger: everything shared is refused from now on.
  package mutating func fenced(by start: Int64) {}

  /// The higher start number of this ledger, by which this process was put out of its place.
  package var fencedBy: Int64? { nil }

  /// Before the process ends: what is leased and not spent goes back with the next calls.
  package mutating func giveBack(bootMs: Int64) {}
}
