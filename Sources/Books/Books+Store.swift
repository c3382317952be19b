import Foundation
import Ledger
import Quota
import Terms

/// Limits that are shared through a store: what the store's thread asks and tells. Every call takes the
/// books' lock; exchanges and the thread itself are told without it.
extension Books {
  // MARK: Set-up, before any loop runs

  /// From now on the limits are shared. `timeoutMs`: the longest that an exchange waits for all that it
  /// asks of the store.
  package func share(_ settings: SharingSettings, timeoutMs: Int64) {
    lock.withLock {
      guard let identity = writer?.identity else { return }
      let now = readClock()
      let holder = Holder(identity)
      table.share(settings, as: holder, now: now, bootMs: monotonicMs)
      door = StoreDoor(
        holder, timeoutMs: timeoutMs, leaseMs: settings.leaseMilliseconds,
        knewStore: table.knewStore, bootMs: monotonicMs)
    }
  }

  /// Sets the closure that wakes the store's thread. It is called without the lock, on any thread, when
  /// `statementsDue` has something before the time that it said last.
  package func onStatementsDue(_ wake: @escaping @Sendable () -> Void) {
    lock.withLock { door?.wake = wake }
  }

  /// Sets the closure that is told which tickets wait no longer, in the order in which they began to.
  package func onStoreOutcome(_ tell: @escaping @Sendable ([UInt64]) -> Void) {
    lock.withLock { tellStoreOutcome = tell }
  }

  /// Who states: the ledger's id and the number of its start, which are on disk. Nil without a store.
  package var holder: Holder? { lock.withLock { door?.holder } }

  // MARK: The store's thread

  /// The calls that are due now, and when something is due next if nobody wakes the thread, by
  /// CLOCK_BOOTTIME.
  package func statementsDue() -> (calls: [StatementCallUnderWay], nextBootMs: Int64?) {
    lock.withLock {
      guard door != nil else { return ([], nil) }
      _ = readClock()
      let calls = table.callsDue(bootMs: monotonicMs)
      return (calls, door?.comes(due: table.nextDue(bootMs: monotonicMs)))
    }
  }

  /// The store answered a call.
  package func storeAnswered(_ id: UInt64, _ answer: StatementCallAnswer) {
    change { table, door, now, bootMs in
      door.joined(bootMs: bootMs, timeMs: now)
      if let partition = table.partition(ofCall: id) {
        door.partition(
          partition, answers: answer, timeMs: now,
          living: { table.living(bootMs: bootMs) },
          exposed: {
            StoreDoor.Exposed(
              allStated: table.exposed(in: partition, isAll: false, bootMs: bootMs),
              someMissing: table.exposed(in: partition, isAll: true, bootMs: bootMs))
          })
      }
      table.answered(id, answer, bootMs: bootMs)
    }
  }

  /// A call will not be answered.
  package func storeUnanswered(_ id: UInt64) {
    change { table, _, _, bootMs in table.unanswered(id, bootMs: bootMs) }
  }

  /// A partition cannot be asked any more, or can be asked again: it is back when it has answered and is
  /// open.
  package func store(partition: Int, isLost: Bool) {
    change { table, door, _, bootMs in
      if isLost {
        door.lost(partition)
        table.lost(partition: partition, bootMs: bootMs)
      } else {
        table.reached(partition: partition, bootMs: bootMs)
      }
    }
  }

  /// Who lives, as the store says.
  package func fleet(_ view: FleetView) {
    change { table, door, now, bootMs in
      door.joined(bootMs: bootMs, timeMs: now)
      door.sees(view)
      table.alive(view, bootMs: bootMs)
    }
  }

  /// The store may have lost what it had: its server was connected to again.
  package func storeMayHaveLost() {
    change { table, _, _, bootMs in table.suspect(bootMs: bootMs) }
  }

  /// Whom this replica saw alive within the lease's time.
  package func living() -> [Holder] {
    lock.withLock {
      _ = readClock()
      return table.living(bootMs: monotonicMs)
    }
  }

  /// Another process goes on with this ledger: everything shared is refused until a restart.
  package func fenced(by start: Int64) {
    change { table, door, now, _ in
      if table.fencedBy == nil { door.fenced(by: start, timeMs: now) }
      table.fenced(by: start)
    }
    recordStoreNotes()
  }

  /// The store gave this start another number, which counts from now on. It is on disk when this
  /// returns true; where it is false, nothing may be asked of the store.
  package func renumber(to start: Int64) -> Bool {
    guard let ledger, ledger.renumber(to: start) else { return false }
    lock.withLock { door?.renumber(start) }
    return true
  }

  /// Tells the exchanges whose time is over. The store's thread calls it when it comes; a timer does,
  /// too, so that nobody waits for a thread that hangs.
  package func storeTick() { change { _, _, _, _ in } }

  /// Before the process ends, when no exchange is open any more: what is leased and not spent is due.
  package func giveBack() {
    change { table, _, _, bootMs in table.giveBack(bootMs: bootMs) }
  }

  /// What happened between this replica and the store, as far as it was put on record since this was
  /// asked last.
  package func takeStoreNotes() -> [StoreNote] {
    lock.withLock {
      defer { toldNotes = [] }
      return toldNotes
    }
  }

  /// Once a second, so that a store that comes and goes does not fill the ledger.
  func recordStoreNotes() {
    lock.withLock {
      guard door != nil else { return }
      let now = readClock()
      guard let notes = door?.takeNotes(timeMs: now), !notes.isEmpty else { return }
      let ledger = door!.holder.ledger
      for note in notes { _ = writer?.enqueue(.store(note.record(ledger: ledger)), timeMs: now) }
      toldNotes = (toldNotes + notes).suffix(StoreStatus.notesMax)
    }
  }

  /// What the books know of the store: the thread adds what its connections know.
  package func fill(_ status: inout StoreStatus) {
    lock.withLock {
      guard door != nil else { return }
      let now = readClock()
      status.holder = door!.holder
      status.holdsReadiness = door!.holdsReadiness(
        bootMs: monotonicMs, isRefused: status.refusal != nil)
      status.fencedBy = table.fencedBy
      status.fleet = door!.fleet
      status.waiting = Int64(door!.waitingCount)
      guard let shared = table.sharedState else { return }
      status.calls = shared.counts.calls
      status.statements = shared.counts.statements
      status.fromSlices = shared.counts.withoutAsking
      status.asked = shared.counts.asked
      status.refusedByWord = shared.counts.refusedByWord
      status.unanswered = shared.counts.unanswered
      let known = Dictionary(
        status.partitions.map { ($0.number, $0) }, uniquingKeysWith: { one, _ in one })
      let states = [
        (StoreStatus.State.open, shared.open), (.opening, shared.opening), (.lost, shared.lost),
      ]
      status.partitions = states.flatMap { state, numbers in
        numbers.map { number in
          let old = known[number].flatMap { $0.state == state ? $0 : nil }
          return StoreStatus.Partition(
            number: number, state: state, sinceMs: old?.sinceMs ?? now,
            opening: shared.claims[number], leased: shared.leased[number] ?? StoreAmounts())
        }
      }.sorted { $0.number < $1.number }
      status.leasedCounters = shared.counters
    }
  }

  // MARK: Exchanges that wait

  /// Asks again, when the exchange was told that its ticket waits no longer: it is admitted or refused
  /// by what is known of the store now.
  package func admit(again ticket: StoreTicket) -> Answer { admit(ticket.request, ticket.ask) }

  /// The exchange does not ask again. What was granted for it meanwhile stays at hand.
  package func withdraw(_ ticket: StoreTicket) {
    change { table, door, _, bootMs in
      door.forget(ticket.ask)
      table.withdraw(ticket.ask, bootMs: bootMs)
    }
  }

  /// Under the lock: an exchange waits, unless too many do.
  func wait(_ ask: QuotaAsk, _ request: AdmissionRequest) -> Answer {
    guard door?.wait(for: ask, bootMs: monotonicMs) == true else {
      table.withdraw(ask, bootMs: monotonicMs)
      return .overloaded
    }
    return .asks(StoreTicket(ask: ask, request: request))
  }

  /// Under the lock: what wakes the store's thread, to be called without it. Nil without a store, and
  /// where the thread comes in time.
  func storeWake() -> (@Sendable () -> Void)? {
    guard door != nil, door!.mustWake(for: table.nextDue(bootMs: monotonicMs)) else { return nil }
    return door?.wake
  }

  /// Changes what is known of the store, then tells who waits no longer.
  private func change(
    _ body: (inout QuotaTable, inout StoreDoor, _ now: Int64, _ bootMs: Int64) -> Void
  ) {
    var over: [UInt64] = []
    let (tell, wake) = lock.withLock {
      if door != nil {
        let now = readClock()
        body(&table, &door!, now, monotonicMs)
        recordReached(now)
        over = door!.takeOver(bootMs: monotonicMs) { table.isAnswered($0) }
      }
      return (tellStoreOutcome, storeWake())
    }
    if !over.isEmpty { tell(over) }
    wake?()
  }
}
