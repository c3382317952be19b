import Foundation
import Ledger
import Terms

/// The smallest books there can be: one counter that sums what admissions reserve and completions
/// settle, under a lock, with a writer behind it.
final class TestBooks: @unchecked Sendable {
  static let counter = "tenant/a/monthly"
  private let lock = NSLock()
  private var total: Int64 = 0
  private var open: [String: OpenExchange] = [:]
  private var waiting: [Int64: String] = [:]
  private var timeMs: Int64 = 1_790_000_000_000
  private var number: Int
  private var acknowledgedIDs: Set<String> = []
  private(set) var failed: Set<String> = []
  private(set) var completed: [String] = []
  /// States the writer told, in order.
  private var toldStates: [LedgerState] = []
  var states: [LedgerState] { locked { toldStates } }
  /// Segments that the writer says somebody removed.
  private var goneSegments: [Segment] = []
  var gone: [Segment] { locked { goneSegments } }
  /// What left the ledger before its time, as the writer told.
  private var toldDrops: [Drop] = []
  var drops: [Drop] { locked { toldDrops } }
  private let cameBack = DispatchSemaphore(value: 0)
  private(set) var writer: LedgerWriter!
  private let durability: Durability
  var onDurable: (@Sendable (Set<String>) -> Void)?

  /// Recovers and makes a writer that has not started.
  init(
    _ files: any LedgerFiles, settings: LedgerSettings = .forTests, repairing: Bool = false,
    firstNumber: Int = 1
  ) throws {
    durability = settings.durability
    number = firstNumber
    var replay = Replay()
    let outcome = try Recovery.run(files, repairing: repairing) { replay.apply($0) }
    total = replay.total
    open = replay.open.byRequestID
    timeMs = max(timeMs, outcome.timeMs)
    var callbacks = LedgerCallbacks(
      checkpointDue: { [unowned self] in
        locked {
          let state = CounterState(
            counter: Self.counter, kind: .tokens, fields: [.init("used", total)])
          writer.queueCheckpoint(
            BooksState(counters: [state], open: open.values.sorted { $0.seq < $1.seq }),
            timeMs: tick())
        }
      },
      durable: { [unowned self] seq in
        let new = locked {
          let due = waiting.filter { $0.key <= seq }
          for seq in due.keys { waiting[seq] = nil }
          acknowledgedIDs.formUnion(due.values)
          return Set(due.values)
        }
        onDurable?(new)
      },
      failed: { [unowned self] seqs in
        locked {
          for seq in seqs {
            guard let id = waiting.removeValue(forKey: seq) else { continue }
            failed.insert(id)
            if let exchange = open.removeValue(forKey: id) {
              total -= exchange.admission.reserved[0].amount
            }
          }
        }
      },
      stateChanged: { [unowned self] state in
        locked { toldStates.append(state) }
        if state == .writable { cameBack.signal() }
      },
      wallMs: { 1_790_000_000_000 })
    callbacks.dropped = { [unowned self] drop in
      locked { toldDrops.append(drop) }
      _ = record(.drop(drop))
    }
    callbacks.segmentsGone = { [unowned self] segments in locked { goneSegments += segments } }
    writer = try LedgerWriter(
      files: files, recovered: outcome, settings: settings, callbacks: callbacks)
  }

  var acknowledged: Set<String> { locked { acknowledgedIDs } }

  func start() throws {
    try writer.start()
    cameBack.wait()
  }

  /// The counter and the open exchanges.
  var sums: (total: Int64, open: Set<String>) { locked { (total, Set(open.keys)) } }

  /// Reserves and records one exchange; nil where the ledger refused.
  func admit(reserving amount: Int64 = 10) -> String? {
    locked {
      let id = "req_\(number)"
      number += 1
      let admission = Admission(
        requestID: id, decision: .allow, tenant: "a", subject: "s",
        reserved: [Charge(counter: Self.counter, amount: amount, window: 0)], policy: "p")
      let time = tick()
      guard case .queued(let seq) = writer.enqueue(.admission(admission), timeMs: time) else {
        return nil
      }
      total += amount
      open[id] = OpenExchange(seq: seq, timeMs: time, admission: admission)
      if durability == .durable { waiting[seq] = id } else { acknowledgedIDs.insert(id) }
      return id
    }
  }

  /// Settles one exchange, whether or not its admission is on disk yet.
  func complete(_ id: String, using amount: Int64 = 3) {
    locked {
      guard let exchange = open.removeValue(forKey: id) else { return }
      let isWaiting = waiting.values.contains(id)
      let final = isWaiting ? 0 : amount
      total += final - exchange.admission.reserved[0].amount
      let completion = Completion(
        requestID: id, tenant: "a", totalTokens: final, usageSource: .reported,
        endReason: isWaiting ? .cut : .complete,
        charged: [Charge(counter: Self.counter, amount: final, window: 0)])
      _ = writer.enqueue(.completion(completion), timeMs: tick())
      if !isWaiting { completed.append(id) }
    }
  }

  func record(_ body: LedgerRecord.Body) -> Enqueued {
    locked { writer.enqueue(body, timeMs: tick()) }
  }

  /// Waits until the ledger is writable again, as often as it was told.
  func waitUntilBack() { cameBack.wait() }

  private func tick() -> Int64 {
    timeMs += 7
    return timeMs
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body()
  }
}

/// Sums a ledger's records, as anyone may who has read `LedgerFormat`.
struct Replay {
  private(set) var total: Int64 = 0
  private(set) var open = OpenExchanges()
  private(set) var admitted: Set<String> = []
  private(set) var completed: [String] = []
  private(set) var seqs: [Int64] = []

  init() {}

  /// Sums everything that counts in `files`.
  init(_ files: any LedgerFiles) throws {
    var walk = try LedgerWalk(files)
    while let step = try walk.next() { apply(try step.line.record(of: step.segment)) }
  }

  mutating func apply(_ record: LedgerRecord) {
    seqs.append(record.seq)
    switch record.body {
    case .checkpoint(let checkpoint):
      total = checkpoint.counters.first?["used"] ?? 0
    case .admission(let admission):
      admitted.insert(admission.requestID)
      if !record.isCarried { total += admission.reserved.reduce(0) { $0 + $1.amount } }
    case .completion(let completion):
      completed.append(completion.requestID)
      if !record.isCarried, let exchange = open.byRequestID[completion.requestID] {
        total += completion.charged.reduce(0) { $0 + $1.amount }
        total -= exchange.admission.reserved.reduce(0) { $0 + $1.amount }
      }
    default: break
    }
    open.apply(record)
  }
}

extension LedgerSettings {
  static var forTests: LedgerSettings {
    var settings = LedgerSettings()
    settings.retryDelay = .milliseconds(1)
    settings.relaxedWriteDelay = .milliseconds(1)
    settings.relaxedFlushDelay = .milliseconds(5)
    return settings
  }
}
