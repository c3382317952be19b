import Ledger
import Quota

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

  private(set) var holder: Holder
  private let timeoutMs: Int64
  private let sharedSinceMs: Int64
  /// In the order in which they began to wait, which is that of their ids and of their ends.
  private var waiting: [Waiting] = []
  private(set) var fleet: FleetView?
  private(set) var hasJoined = false
  private var isReady = false
  private(set) var lost: Set<Int> = []
  private var lostSinceTold: Set<Int> = []
  private var returnedSinceTold: Set<Int> = []
  /// The partitions that are opening, and whom the store had named alive when that was seen first.
  private var opening: [Int: [Holder]] = [:]
  /// The partitions that were open, by their last answer, at least once.
  private var opened: Set<Int> = []
  private var untold: [StoreNote] = []
  /// When the store's thread comes by itself; nil where it does not.
  private var comesMs: Int64?
  /// Whether it has been woken and has not come since.
  private var isWoken = false
  var wake: @Sendable () -> Void = {}

  init(_ holder: Holder, timeoutMs: Int64, bootMs: Int64) {
    self.holder = holder
    self.timeoutMs = max(1, timeoutMs)
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

  /// A partition answered with that state.
  mutating func partition(_ partition: Int, is state: PartitionState, timeMs: Int64) {
    switch state {
    case .opening:
      if opening[partition] == nil { opening[partition] = fleet?.replicas.map(\.holder) ?? [] }
    case .open:
      opened.insert(partition)
      if lost.remove(partition) != nil { returnedSinceTold.insert(partition) }
      guard let before = opening.removeValue(forKey: partition) else { return }
      let now = fleet?.replicas.map(\.holder) ?? []
      let alive = Set(now.map(\.ledger))
      let opened = StoreNote.Opened(
        stated: now, missing: before.filter { !alive.contains($0.ledger) }, bound: nil)
      // Those that open together, as they do when a server comes back, are one note.
      if let last = untold.indices.last, untold[last].kind == .opened(opened) {
        untold[last].partitions.append(partition)
      } else {
        note(.opened(opened), timeMs: timeMs, partitions: [partition])
      }
    }
  }

  private mutating func note(_ kind: StoreNote.Kind, timeMs: Int64, partitions: [Int] = []) {
    guard untold.count < StoreStatus.notesMax else { return }
    untold.append(
      StoreNote(kind, timeMs: timeMs, partitions: partitions, replicas: fleet?.replicas.count))
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

  /// Whether the process must not be ready yet: before every partition has answered that it is open, for
  /// `readinessMs` at most. Once it was ready, it does not depend on the store.
  mutating func holdsReadiness(bootMs: Int64) -> Bool {
    if !isReady {
      isReady =
        bootMs - sharedSinceMs >= Self.readinessMs || opened.count == SharedKey.partitions
    }
    return !isReady
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
        missing: opened.missing.map(LedgerIdentity.init))
    }
  }
}

extension LedgerIdentity {
  fileprivate init(_ holder: Holder) { self.init(id: holder.ledger, start: holder.start) }
}

extension Holder {
  init(_ identity: LedgerIdentity) { self.init(ledger: identity.id, start: identity.start) }
}
