import Quota

/// A partition: its marker, its opening, its counters.
package struct PartitionModel: Sendable, Equatable {
  /// On which master's run the partition was opened, and with which history of writes.
  package struct Marker: Sendable, Equatable {
    package var runID: String
    package var history: String
    package var openingMs: Int64
    package var renewedMs: Int64
    package var expiresMs: Int64
  }

  /// What has been said since the marker was found missing or of another run.
  package struct Opening: Sendable, Equatable {
    package var runID: String
    package var history: String
    package var sinceMs: Int64
    /// Whether any of those who stated had seen the fleet.
    package var isInformed = false
    package var claimed: Set<String> = []
    package var expected: Set<String> = []
    package var expiresMs: Int64
  }

  package internal(set) var marker: Marker?
  package internal(set) var opening: Opening?
  package internal(set) var counters: [String: CounterModel] = [:]

  package init() {}

  mutating func state(
    _ call: StatementCall, by caller: CallerModel
  ) throws(InvalidCall) -> StatementCallAnswer {
    try Self.check(call, caller)
    var next = self
    let phase = next.open(call, by: caller)

    var works: [WorkModel] = []
    for statement in call.statements {
      works.append(
        try WorkModel(
          statement, counter: next.counters[statement.key.id], by: caller, phase: phase))
    }
    if phase.isOpen {
      for index in works.indices { works[index].judge(by: caller) }
      let isRefused = works.contains { $0.statement.need > 0 && $0.grant == nil }
      for index in works.indices { works[index].give(unlessRefused: isRefused) }
    }
    var answers: [StatementAnswer] = []
    for work in works {
      answers.append(work.answer(at: caller.nowMs, phase: phase))
      if let counter = try work.written(by: caller) {
        next.counters[work.statement.key.id] = counter
      }
    }
    self = next
    return StatementCallAnswer(
      storeMs: caller.nowMs, state: phase.state, openingMs: phase.openingMs, answers: answers)
  }

  private static func check(_ call: StatementCall, _ caller: CallerModel) throws(InvalidCall) {
    guard call.statements.count <= StatementCall.statementsMax,
      caller.alive.count <= StoreLimits.replicasMax
    else { throw .tooMany }
    guard Set(call.statements.map(\.key.id)).count == call.statements.count else { throw .twice }
    guard call.statements.allSatisfy({ $0.key.partition == call.partition }) else {
      throw .otherPartition
    }
    guard caller.leaseMs >= 1, caller.leaseMs <= StoreLimits.periodMs, caller.holder.start >= 1,
      caller.holder.start <= StoreLimits.numberMax,
      (0...StoreLimits.numberMax).contains(call.openingMs ?? 0),
      call.statements.allSatisfy(\.isInRange)
    else { throw .badNumber }
  }

  mutating func expire(at nowMs: Int64) {
    if let marker, marker.expiresMs <= nowMs { self.marker = nil }
    if let opening, opening.expiresMs <= nowMs { self.opening = nil }
    counters = counters.filter { $0.value.expiresMs > nowMs }
  }

  /// Whether the partition was open before the call, and is open by it.
  struct Phase {
    var wasOpen: Bool
    var openingMs: Int64
    var state: PartitionState
    var isOpen: Bool { state == .open }
  }

  private mutating func open(_ call: StatementCall, by caller: CallerModel) -> Phase {
    if caller.broken == .noOpening { return Phase(wasOpen: true, openingMs: 0, state: .open) }
    if var marker, marker.runID == caller.runID, marker.history == caller.history {
      if caller.nowMs - marker.renewedMs >= StoreLimits.markerRenewalMs {
        marker.renewedMs = caller.nowMs
        marker.expiresMs = caller.nowMs + StoreLimits.markerMs
        self.marker = marker
      }
      return Phase(wasOpen: true, openingMs: marker.openingMs, state: .open)
    }
    var opening =
      opening.flatMap {
        $0.runID == caller.runID && $0.history == caller.history ? $0 : nil
      }
      ?? Opening(
        runID: caller.runID, history: caller.history, sinceMs: caller.nowMs, expiresMs: 0)
    // A clock that was set back: the wait is not longer for it.
    opening.sinceMs = min(opening.sinceMs, caller.nowMs)
    let ledger = caller.holder.ledger
    if call.isWhole && (call.openingMs ?? opening.sinceMs) == opening.sinceMs {
      opening.claimed.insert(ledger)
      opening.expected.formUnion(caller.holder.named(of: caller.alive).map(\.ledger))
      if !caller.alive.isEmpty { opening.isInformed = true }
    }
    let isComplete = opening.isInformed && opening.expected.isSubset(of: opening.claimed)
    let isClaimed = opening.claimed.contains(ledger)
    if isClaimed && (isComplete || caller.nowMs - opening.sinceMs >= caller.leaseMs) {
      self.opening = nil
      marker = Marker(
        runID: caller.runID, history: caller.history, openingMs: opening.sinceMs,
        renewedMs: caller.nowMs, expiresMs: caller.nowMs + StoreLimits.markerMs)
      return Phase(wasOpen: false, openingMs: opening.sinceMs, state: .open)
    }
    opening.expiresMs = caller.nowMs + caller.leaseMs + StoreLimits.keepMs
    self.opening = opening
    return Phase(
      wasOpen: false, openingMs: opening.sinceMs,
      state: .opening(
        isClaimed: isClaimed, claimed: Int64(opening.claimed.count),
        expected: Int64(opening.claimed.union(opening.expected).count), sinceMs: opening.sinceMs))
  }
}

extension Statement {
  /// Whether every number is one that the scripts take.
  var isInRange: Bool {
    let most = StoreLimits.numberMax
    func isCount(_ value: Int64) -> Bool { value >= 0 && value <= most }
    var isGood =
      isCount(amount) && amount >= 1 && isCount(number) && number >= 1 && isCount(unspent)
      && isCount(need) && isCount(want) && want >= need && hold >= -most && hold <= most
    if let seen {
      isGood = isGood && isCount(seen.sum) && isCount(seen.atMs)
    }
    switch shape {
    case .budget(let start, let end, let settled):
      return isGood && isCount(start) && isCount(end) && start < end && isCount(settled)
        && settled <= hold && unspent <= hold - settled
    case .bucket(let capacity, let period):
      return isGood && isCount(capacity) && capacity >= 1 && period >= 1
        && period <= StoreLimits.periodMs
    case .slots:
      return isGood && unspent <= hold
    }
  }
}
