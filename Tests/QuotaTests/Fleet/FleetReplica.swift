import Terms

@testable import Quota

/// One replica of a simulated fleet: a table, its ledger, its clocks, and its requests.
final class FleetReplica {
  /// What is on its disk.
  struct Ledger {
    enum Record {
      case admission(Int, [Charge], Int64)
      case completion(Int, [Charge], Int64)
    }

    var id: String
    var start: Int64 = 0
    var records: [Record] = []
    var reserved: [Int: [Charge]] = [:]
    var open: Set<Int> = []

    /// As it was when it had so many records.
    func copy(records count: Int) -> Ledger {
      var old = Ledger(id: id, start: start)
      for record in records.prefix(count) {
        old.records.append(record)
        switch record {
        case .admission(let id, let charges, _):
          old.reserved[id] = charges
          old.open.insert(id)
        case .completion(let id, _, _): old.open.remove(id)
        }
      }
      return old
    }
  }

  /// A request that waits for the store.
  struct Waiting {
    let exchange: FleetExchange
    let ask: QuotaAsk
    let deadlineMs: Int64
  }

  /// What it may use of a limit without the store, of a bucket in a period; worked out beside its
  /// table.
  struct Share {
    let units: Int64
    let sinceMs: Int64
    var taken: Int64 = 0
  }

  let number: Int
  var table: QuotaTable
  var catalog: LimitCatalog
  var set: LimitSet
  /// Which policy it goes by.
  var policy = 0
  var ledger: Ledger
  var nonce: UInt32
  var mirror = FleetMirror()
  /// How far its clocks are ahead of the true time.
  let bootAheadMs: Int64
  let wallAheadMs: Int64
  var isAlive = true
  var pausedUntilMs: Int64 = 0
  /// The connection, by number: answers of one before do not arrive.
  var connection = 0
  var isCutOff = false
  /// Whether the store has been told that it lives.
  var isRegistered = false
  var waiting: [Waiting] = []
  var open: [Int: Held] = [:]
  /// What buckets got back since the start, by counter; and how much of it the store was told.
  var refunds: [String: Int64] = [:]
  /// Answers that came after their connection was lost, by what was stated.
  var late: [[SharedKey]: StatementCallAnswer] = [:]
  /// Of the counters that it has lost.
  var shares: [String: Share] = [:]
  var wakeMs: Int64 = .max

  init(
    number: Int, catalog: LimitCatalog, bootAheadMs: Int64, wallAheadMs: Int64, nonce: UInt32
  ) {
    self.number = number
    self.catalog = catalog
    table = QuotaTable(catalog)
    set = catalog.set(Array(catalog.rules.indices))
    ledger = Ledger(id: Self.id(number))
    self.bootAheadMs = bootAheadMs
    self.wallAheadMs = wallAheadMs
    self.nonce = nonce
  }

  static func id(_ number: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 32 - text.count) + text
  }

  var holder: Holder { Holder(ledger: ledger.id, start: ledger.start) }

  func boot(_ trueMs: Int64) -> Int64 { trueMs + bootAheadMs }
  func now(_ trueMs: Int64) -> Int64 { trueMs + wallAheadMs }

  func isUp(_ trueMs: Int64) -> Bool { isAlive && trueMs >= pausedUntilMs }

  /// What its table knows of a counter.
  func part(_ counter: String) -> (part: SharedPart, count: Count)? {
    guard let parts = CounterName.parts(of: counter),
      let index = table.catalog.indices[CounterName.limit(parts.owner, parts.name)],
      let place = table.tallies[index].place(of: parts.scopeValue),
      let part = table.sharing?.parts[place]
    else { return nil }
    return (part, table.counters[place].count)
  }

  func hasLost(_ key: SharedKey) -> Bool {
    table.sharing?.partitions[key.partition].isLost ?? false
  }

  /// Goes on under another policy.
  func adopt(_ next: LimitCatalog, policy: Int, at trueMs: Int64) {
    self.policy = policy
    catalog = next
    table.configure(next, now: now(trueMs))
    set = next.set(Array(next.rules.indices))
  }

  /// Recovers from the ledger. Returns the exchanges that were open.
  func recover(
    _ next: LimitCatalog, _ settings: SharingSettings, at trueMs: Int64
  ) -> [(Int, Held)] {
    ledger.start += 1
    isRegistered = false
    catalog = next
    table = QuotaTable(next)
    set = next.set(Array(next.rules.indices))
    for record in ledger.records {
      switch record {
      case .admission(_, let charges, let time): table.replayAdmission(charges, now: time)
      case .completion(let id, let final, let time):
        table.replayCompletion(reserved: ledger.reserved[id] ?? [], final: final, now: time)
      }
    }
    table.configure(next, now: now(trueMs))
    let nothing = Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
    let opened = ledger.open.sorted().map { id in
      (id, Held(table.reopen(ledger.reserved[id] ?? [], demand: nothing, now: now(trueMs))))
    }
    table.share(settings, as: holder, now: now(trueMs), bootMs: boot(trueMs))
    refunds = [:]
    waiting = []
    shares = [:]
    return opened
  }

  /// What the ledger says is settled in a window.
  func settled(_ counter: String, window: Int64) -> Int64 {
    ledger.records.reduce(0) { sum, record in
      guard case .completion(_, let final, _) = record else { return sum }
      return sum
        + final.reduce(0) {
          $1.counter == counter && $1.window == window ? $0 + $1.amount : $0
        }
    }
  }
}

/// A request of the simulated load.
struct FleetExchange {
  let id: Int
  let tokens: Int64
  let caller: Caller
  let lastsMs: Int64
  let used: Int64
}
