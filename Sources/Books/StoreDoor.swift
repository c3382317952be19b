import Ledger
import Quota
import Terms

/// What the books need of a shared store beside the table: who waits for it until when, and what has
/// happened to it. A value without a lock and without a clock; the books guard it.
struct StoreDoor {
  /// The most exchanges of the process that wait at the same time.
  static let waitingMax = 4_096
  /// The longest time that readiness waits for the first contact and for opening.
  static let readinessMs: Int64 = 60_000

  private struct Waiting {
    let ask: QuotaAsk
    let endsMs: Int64
  }

  /// An opening that lasts: what was known when it was seen first, before anything of it counted.
  private struct Opening {
    /// Whom this replica had seen alive.
    let before: [Holder]
    let isFirst: Bool
    let exposed: Exposed
  }

  /// What limits may be exceeded by where all stated that were alive, and where somebody did not.
  struct Exposed {
    var allStated = StoreAmounts()
    var someMissing = StoreAmounts()
  }

  private(set) var holder: Holder
  private let timeoutMs: Int64
  private let leaseMs: Int64
  /// Whether the ledger knew a store before this start.
  private let knewStore: Bool
  private let sharedSinceMs: Int64
  /// In the order in which they began to wait, which is that of their ids and of their ends.
  private var waiting: [Waiting] = []
  private(set) var fleet: FleetView?
  private(set) var hasJoined = false
  private var isReady = false
  private(set) var lost: Set<Int> = []
  private var lostSinceTold: Set<Int> = []
  private var returnedSinceTold: Set<Int> = []
  private var opening: [Int: Opening] = [:]
  /// Which opening each partition was in, or was opened by, when it answered last.
  private var openingMs: [Int: Int64] = [:]
  /// The partitions that were open, by their last answer, at least once.
  private var opened: Set<Int> = []
  private var untold: [StoreNote] = []
  /// When the store's thread comes by itself; nil where it does not.
  private var comesMs: Int64?
  /// Whether it has been woken and has not come since.
  private var isWoken = false
  var wake: @Sendable () -> Void = {}

  init(
    _ holder: Holder, timeoutMs: Int64, leaseMs: Int64 = 10_000, knewStore: Bool = false,
    bootMs: Int64
  ) {
    self.holder = holder
    self.timeoutMs = max(1, timeoutMs)
    self.leaseMs = leaseMs
    self.knewStore = knewStore
    sharedSinceMs = bootMs
  }

  // MARK: Who waits

  var waitingCount: Int { waiting.count }

  /// False where too many wait.
  mutating func wait(for ask: QuotaAsk, bootMs: Int64) -> Bool {
    guard waiting.count < Self.waitingMax else { return false }
    waiting.append(Waiting(ask: ask, endsMs: bootMs + timeoutMs))
    return true
  }

  mutating func forget(_ ask: QuotaAsk) {
    if let index = waiting.firstIndex(where: { $0.ask.id == ask.id }) { waiting.remove(at: index) }
  }

  /// Those that wait no longer, in the order in which they began to: their time is over, or the store
  /// has answered.
  mutating func takeOver(bootMs: Int64, isAnswered: (QuotaAsk) -> Bool) -> [UInt64] {
    guard !waiting.isEmpty else { return [] }
    var over: [UInt64] = []
    waiting.removeAll { entry in
      guard entry.endsMs <= bootMs || isAnswered(entry.ask) else { return false }
      over.append(entry.ask.id)
      return true
    }
    return over
  }

  // MARK: The store's thread

  /// When it must come next: `due` is the table's time.
  mutating func comes(due: Int64?) -> Int64? {
    isWoken = false
    comesMs = [due, waiting.first?.endsMs].compactMap(\.self).min()
    return comesMs
  }

  /// Whether it must be woken, because it would come too late for `dueMs`.
  mutating func mustWake(for dueMs: Int64?) -> Bool {
    guard let dueMs, !isWoken, comesMs.map({ dueMs < $0 }) ?? true else { return false }
    isWoken = true
    return true
  }

  mutating func renumber(_ start: Int64) { holder = Holder(ledger: holder.ledger, start: start) }

  // MARK: What happens

  mutating func joined(bootMs: Int64, timeMs: Int64) {
    guard !hasJoined else { return }
    hasJoined = true
    note(.joined, timeMs: timeMs)
  }

  mutating func sees(_ view: FleetView) { fleet = view }

  mutating func fenced(by start: Int64, timeMs: Int64) { note(.fenced(by: start), timeMs: timeMs) }

  mutating func lost(_ partition: Int) {
    if lost.insert(partition).inserted { lostSinceTold.insert(partition) }
  }

  /// A partition answered. `living`: whom this replica saw alive; `exposed`: what limits may be
  /// exceeded by, both before the answer counts. They are asked where the partition is found to open.
  mutating func partition(
    _ partition: Int, answers answer: StatementCallAnswer, timeMs: Int64,
    living: () -> [Holder] = { [] }, exposed: () -> Exposed = { Exposed() }
  ) {
    let known = openingMs.updateValue(answer.openingMs, forKey: partition)
    let isOpen = answer.state == .open
    // Also where others have opened it meanwhile.
    if opening[partition] == nil, !isOpen || known != nil && known != answer.openingMs {
      opening[partition] = Opening(
        before: living(), isFirst: known == nil && !knewStore, exposed: exposed())
    }
    guard isOpen else { return }
    opened.insert(partition)
    if lost.remove(partition) != nil { returnedSinceTold.insert(partition) }
    if let end = opening.removeValue(forKey: partition) {
      note(end, of: partition, lasted: answer.storeMs - answer.openingMs, timeMs: timeMs)
    }
  }

  /// A partition that is open before the lease's time is over is so because everybody has stated;
  /// after it, because nobody is waited for any longer.
  private mutating func note(
    _ opening: Opening, of partition: Int, lasted: Int64, timeMs: Int64
  ) {
    let now = fleet?.replicas.map(\.holder) ?? []
    let alive = Set(now.map(\.ledger))
    let silent = opening.before.filter { !alive.contains($0.ledger) }
    let areAllIn = lasted < leaseMs
    let missing = opening.isFirst || areAllIn ? [] : silent
    let exposed = opening.exposed
    let opened = StoreNote.Opened(
      stated: areAllIn ? (now + silent).sorted { $0.ledger < $1.ledger } : now, missing: missing,
      bound: opening.isFirst
        ? StoreAmounts() : missing.isEmpty ? exposed.allStated : exposed.someMissing,
      isFirst: opening.isFirst)
    // Those that open together, as they do when a server comes back, are one note.
    let like = untold.indices.first { index in
      if case .opened(let one) = untold[index].kind { return one.isLike(opened) }
      return false
    }
    guard let like, case .opened(var one) = untold[like].kind else {
      return note(.opened(opened), timeMs: timeMs, partitions: [partition])
    }
    if let bound = opened.bound { one.bound?.add(bound) }
    untold[like].kind = .opened(one)
    untold[like].partitions.append(partition)
  }

  private mutating func note(_ kind: StoreNote.Kind, timeMs: Int64, partitions: [Int] = []) {
    guard untold.count < StoreStatus.notesMax else { return }
    let alive = fleet.map { Int(clamping: $0.count) }
    untold.append(StoreNote(kind, timeMs: timeMs, partitions: partitions, replicas: alive))
  }

  /// What has happened since this was asked last. Partitions that were lost or came back meanwhile are
  /// one note each.
  mutating func takeNotes(timeMs: Int64) -> [StoreNote] {
    if !lostSinceTold.isEmpty {
      note(.lost, timeMs: timeMs, partitions: lostSinceTold.sorted())
    }
    if !returnedSinceTold.isEmpty {
      note(.returned, timeMs: timeMs, partitions: returnedSinceTold.sorted())
    }
    (lostSinceTold, returnedSinceTold) = ([], [])
    defer { untold = [] }
    return untold
  }

  // MARK: Readiness

  /// Whether the process must not be ready yet: before every partition has answered that it is open. A
  /// store that cannot be reached is waited for `readinessMs`: it may come later. One that refuses
  /// this process (`isRefused`) does not, so that a rollout with a wrong password stops at its first
  /// replica. Once it was ready, it does not depend on the store.
  mutating func holdsReadiness(bootMs: Int64, isRefused: Bool) -> Bool {
    if !isReady {
      isReady =
        opened.count == SharedKey.partitions
        || !isRefused && bootMs - sharedSinceMs >= Self.readinessMs
    }
    return !isReady
  }
}

extension StoreNote.Opened {
  /// Whether both ended the same way, however much may be exceeded by each.
  fileprivate func isLike(_ other: Self) -> Bool {
    isFirst == other.isFirst && stated == other.stated && missing == other.missing
  }
}

extension StoreNote {
  /// The record of it in that ledger.
  func record(ledger: String) -> StoreEvent {
    let partitions = partitions.map(Int64.init)
    switch kind {
    case .joined: return StoreEvent(.joined)
    case .lost: return StoreEvent(.lost, partitions: partitions)
    case .returned: return StoreEvent(.returned, partitions: partitions)
    case .fenced(let start):
      return StoreEvent(.fenced, by: [LedgerIdentity(id: ledger, start: start)])
    case .opened(let opened):
      return StoreEvent(
        .opened, partitions: partitions, by: opened.stated.map(LedgerIdentity.init),
        missing: opened.missing.map(LedgerIdentity.init), bound: opened.bound,
        isFirst: opened.isFirst)
    }
  }
}

extension LedgerIdentity {
  fileprivate init(_ holder: Holder) { self.init(id: holder.ledger, start: holder.start) }
}

extension Holder {
  init(_ identity: LedgerIdentity) { self.init(ledger: identity.id, start: identity.start) }
}
