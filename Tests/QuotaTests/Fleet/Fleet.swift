import SeededRandom
import StoreModel
import Terms

@testable import Quota

/// A fleet of real tables before a model of the store, event by event.
final class Fleet {
  struct Event {
    let atMs: Int64
    let order: Int
    let run: () -> Void
  }

  let plan: FleetPlan
  /// The policies that replicas may have.
  let catalogs: [LimitCatalog]
  /// The limits by counter, each with the largest amounts that any replica goes by.
  var rules: [String: LimitRule] = [:]
  var keys: [String: SharedKey] = [:]
  var names: [SharedKey: String] = [:]
  var random: SeededRandom
  var store = StoreModel()
  var storeCopy = StoreModel()
  /// Which server is the master, and which history of writes it goes on with.
  var storeRun = 0
  var storeHistory = 0
  /// How far the store's clock is ahead of the true time.
  var storeAheadMs: Int64 = 0
  /// When its clock was last set forward.
  var jumpedMs: Int64 = .min / 2
  var replicas: [FleetReplica] = []
  var truth = FleetTruth()
  var nowMs: Int64
  var isCalm = false
  private var heap: [Event] = []
  private var order = 0
  var exchanges = 0

  var admitted = 0
  var refused = 0
  var unavailable = 0
  var calls = 0
  var statements = 0
  var admittedAtFirstRefusal: Int64?
  var admittedTokens: Int64 = 0
  var reloads = 0
  var fenced = 0
  /// Replicas of whose ledger the store has heard a later process: until they are told, they use the free
  /// slots that they hold.
  var followed: Set<Int> = []
  var admittedWhileLost = 0
  /// By limit.
  var refusedBy: [String: Int] = [:]
  /// When the store heard of a replica's counter last, by its own clock; and what it was told of
  /// refunds.
  var heard: [String: Int64] = [:]
  var told: [String: Int64] = [:]
  /// The store's words of shortness, by replica and counter.
  var words: [String: [(sentMs: Int64, left: Int64)]] = [:]
  var excusedMs: Int64 = 0

  var storeMs: Int64 { nowMs + storeAheadMs }

  init(_ plan: FleetPlan, seed: UInt64) {
    self.plan = plan
    random = SeededRandom(seed)
    catalogs = [plan.rules, plan.nextRules].filter { !$0.isEmpty }.map { LimitCatalog(rules: $0) }
    nowMs = plan.startMs
    store.broken = plan.broken?.ofStore
    storeCopy.broken = store.broken
    for number in 0..<plan.replicas {
      let ahead = plan.clocksDifferMs
      let replica = FleetReplica(
        number: number + 1, catalog: catalogs[0],
        bootAheadMs: -plan.startMs + self.number(0...1_000_000),
        wallAheadMs: ahead == 0 ? 0 : self.number(-ahead...ahead),
        nonce: UInt32(number + 1))
      replicas.append(replica)
    }
    countLimits()
    for replica in replicas { start(replica) }
  }

  func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }
  func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }

  /// Goes through the policies that are in force. Where the largest amounts change, what is out stays
  /// out.
  func countLimits() {
    var next: [String: LimitRule] = [:]
    for policy in Set(replicas.map(\.policy)).sorted() {
      for (rule, limit) in zip(catalogs[policy].rules, catalogs[policy].names) {
        for scopeValue in scopeValues(rule) {
          let name = CounterName.counter(of: limit, scope: rule.scope, scopeValue: scopeValue)
          next[name] = next[name].map { $0.larger(rule) } ?? rule
          let key = SharedKey(rule, name: name, scopeValue: scopeValue)
          keys[name] = key
          names[key] = name
        }
      }
    }
    for (name, rule) in next where rules[name] != nil && rules[name] != rule {
      truth.change(name, from: rules[name]!, to: rule, leased: leased(name))
    }
    rules = next
  }

  private func scopeValues(_ rule: LimitRule) -> [String] {
    rule.scope == .owner ? [""] : (1...plan.subjects).map { "s\($0)" }
  }

  /// What replicas have in hand of a counter.
  private func leased(_ name: String) -> Int64 {
    replicas.reduce(0) { $0 + ($1.part(name)?.part.unspent ?? 0) }
  }

  // MARK: Events

  func after(_ delayMs: Int64, _ run: @escaping () -> Void) {
    order += 1
    heap.append(Event(atMs: nowMs + max(0, delayMs), order: order, run: run))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard Self.isBefore(heap[child], heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private static func isBefore(_ one: Event, _ other: Event) -> Bool {
    (one.atMs, one.order) < (other.atMs, other.order)
  }

  private func pop() -> Event? {
    guard let first = heap.first else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && Self.isBefore(heap[child], heap[least]) {
        least = child
      }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  func run(forMs length: Int64) {
    let end = nowMs + length
    while let first = heap.first, first.atMs <= end {
      guard let event = pop() else { break }
      nowMs = max(nowMs, event.atMs)
      event.run()
    }
    nowMs = end
  }

  // MARK: Replicas

  func start(_ replica: FleetReplica) {
    replica.isAlive = true
    replica.pausedUntilMs = 0
    replica.connection += 1
    replica.nonce += 1_000_000
    replica.mirror = FleetMirror()
    recover(replica)
    presence(of: replica, isStarting: true, afterMs: replica.isCutOff ? plan.presenceMs : 0)
  }

  private func recover(_ replica: FleetReplica) {
    for (id, held) in replica.recover(catalogs[replica.policy], plan.settings, at: nowMs) {
      replica.open[id] = held
      settle(id, on: replica, used: nil)
    }
  }

  /// States that it lives, every second. Until that was answered it states nothing.
  private func presence(of replica: FleetReplica, isStarting: Bool, afterMs: Int64) {
    let connection = replica.connection
    after(afterMs) { [self] in
      guard replica.connection == connection else { return }
      var isStarting = isStarting
      if replica.isUp(nowMs), !replica.isCutOff {
        let answer = store.presence(
          of: holder(replica), nonce: nonce(replica), name: "r\(replica.number)", revision: "1",
          isStarting: isStarting, leaseMs: plan.settings.leaseMilliseconds, storeMs: storeMs,
          told: replica.mirror.told)
        switch answer {
        case .alive(let changes)?:
          isStarting = false
          replica.isRegistered = true
          replica.table.alive(replica.mirror.take(changes), bootMs: replica.boot(nowMs))
        case .renumbered(let start)?:
          isStarting = false
          replica.ledger.start = start - 1
          recover(replica)
        case .fenced(let start)?:
          isStarting = false
          replica.table.fenced(by: start)
        case nil: break
        }
        wake(replica)
      }
      presence(of: replica, isStarting: isStarting, afterMs: plan.presenceMs)
    }
  }

  func wake(_ replica: FleetReplica) {
    guard replica.isUp(nowMs), replica.isRegistered else { return }
    for call in replica.table.callsDue(bootMs: replica.boot(nowMs)) { send(call, from: replica) }
    guard let next = replica.table.nextDue(bootMs: replica.boot(nowMs)) else { return }
    let atMs = max(nowMs, next - replica.bootAheadMs)
    guard atMs < replica.wakeMs || replica.wakeMs <= nowMs else { return }
    replica.wakeMs = atMs
    after(atMs - nowMs) { [self] in
      guard replica.wakeMs <= nowMs else { return }
      replica.wakeMs = .max
      wake(replica)
    }
  }

  /// Runs it in the replica's process: when it is not paused, and not after it died.
  func inside(
    _ replica: FleetReplica, _ connection: Int, afterMs: Int64, _ run: @escaping () -> Void
  ) {
    after(afterMs) { [self] in
      guard replica.connection == connection, replica.isAlive else { return }
      guard replica.isUp(nowMs) else {
        return inside(replica, connection, afterMs: replica.pausedUntilMs - nowMs, run)
      }
      run()
    }
  }
}

extension LimitRule {
  /// With the larger amounts of the two.
  func larger(_ other: LimitRule) -> LimitRule {
    var window = window
    if case .bucket(let period, let capacity) = window {
      window = .bucket(periodMilliseconds: period, capacity: max(capacity, other.capacity))
    }
    return LimitRule(
      owner: owner, name: name, kind: kind, amount: max(amount, other.amount), window: window,
      scope: scope, subjectsMax: subjectsMax, onStoreLoss: onStoreLoss)
  }
}
