import SeededRandom
import StoreModel
import Terms

@testable import Quota

/// What is simulated.
struct FleetPlan {
  var replicas = 4
  var settings = SharingSettings(usesLeases: true, leaseMilliseconds: 3_000)
  var rules: [LimitRule] = []
  var lengthMs: Int64 = 20_000
  /// How often a replica has a request, in all of the fleet: a request each so many milliseconds.
  var everyMs: Double = 20
  var tokensMost: Int64 = 20
  var lastsMs: Int64 = 1_500
  /// Requests come in heaps, and mostly to few replicas.
  var isSkewed = false
  /// Messages are late, lost and repeated.
  var isNetworkBad = false
  /// Replicas are paused, die and come back.
  var isFleetBad = false
  /// Replicas come back with an empty directory or an old copy.
  var areLedgersBad = false
  /// The store forgets everything or comes back old.
  var isStoreBad = false
  var clocksDifferMs: Int64 = 0
  var startMs: Int64 = 1_799_000_000_000
  var subjects = 1
  /// How often a replica states that it lives.
  var presenceMs: Int64 = 1_000
  /// Exchanges use all that they reserve.
  var usesAll = false
  var lastsLeastMs: Int64 = 1
}

/// A fleet of real tables before a model of the store, event by event.
final class Fleet {
  struct Event {
    let atMs: Int64
    let order: Int
    let run: () -> Void
  }

  let plan: FleetPlan
  let catalog: LimitCatalog
  var rules: [String: LimitRule] = [:]
  var random: SeededRandom
  var store = StoreModel()
  var storeCopy = StoreModel()
  var storeRun = 0
  var replicas: [FleetReplica] = []
  var truth = FleetTruth()
  var nowMs: Int64
  var isCalm = false
  private var heap: [Event] = []
  private var order = 0
  private var exchanges = 0

  var admitted = 0
  var refused = 0
  var unavailable = 0
  var calls = 0
  var statements = 0
  var admittedAtFirstRefusal: Int64?
  var admittedTokens: Int64 = 0
  /// When the store heard of a replica's counter last; and what it was told of refunds.
  var heard: [String: Int64] = [:]
  var told: [String: Int64] = [:]
  /// The store's words of shortness, by replica and counter.
  var words: [String: [(sentMs: Int64, left: Int64)]] = [:]
  var names: [String: String] = [:]
  private var excusedMs: Int64 = 0

  init(_ plan: FleetPlan, seed: UInt64) {
    self.plan = plan
    random = SeededRandom(seed)
    catalog = LimitCatalog(rules: plan.rules)
    nowMs = plan.startMs
    for number in 0..<plan.replicas {
      let ahead = plan.clocksDifferMs
      let replica = FleetReplica(
        number: number + 1, catalog: catalog,
        bootAheadMs: -plan.startMs + self.number(0...1_000_000),
        wallAheadMs: ahead == 0 ? 0 : self.number(-ahead...ahead),
        nonce: UInt32(number + 1))
      replicas.append(replica)
      start(replica)
    }
    for (rule, name) in zip(catalog.rules, catalog.names) where rule.scope == .owner {
      rules[name] = rule
    }
  }

  func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }
  func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }

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
    replica.connection += 1
    replica.nonce += 1_000_000
    for (id, held) in replica.recover(catalog, plan.settings, at: nowMs) {
      replica.open[id] = held
      settle(id, on: replica, used: nil)
    }
    presence(of: replica, isStarting: true)
    wake(replica)
  }

  /// States that it lives, every second.
  private func presence(of replica: FleetReplica, isStarting: Bool) {
    let connection = replica.connection
    after(isStarting ? 0 : plan.presenceMs) { [self] in
      guard replica.connection == connection else { return }
      if replica.isUp(nowMs), !replica.isCutOff {
        let answer = store.presence(
          of: replica.holder, nonce: replica.nonce, name: "r\(replica.number)", revision: "1",
          isStarting: isStarting, leaseMs: plan.settings.leaseMilliseconds, storeMs: nowMs)
        if case .alive(let view)? = answer {
          replica.table.alive(view, bootMs: replica.boot(nowMs))
        }
        if case .fenced(let start)? = answer { replica.table.fenced(by: start) }
      }
      presence(of: replica, isStarting: false)
    }
  }

  func wake(_ replica: FleetReplica) {
    guard replica.isUp(nowMs) else { return }
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

  // MARK: The network and the store

  private func delay() -> Int64 {
    guard plan.isNetworkBad, !isCalm else { return number(0...2) }
    return number(0...9) == 0 ? number(0...800) : number(0...20)
  }

  private func send(_ call: StatementCallUnderWay, from replica: FleetReplica) {
    calls += 1
    statements += call.call.statements.count
    let sender = Sender(replica, refunds: refunds(call, replica), sentMs: nowMs, run: storeRun)
    if replica.isCutOff {
      inside(replica, sender.connection, afterMs: 50) { [self] in
        lose(replica, partition: call.call.partition, call.id)
      }
      return
    }
    let isBad = plan.isNetworkBad && !isCalm
    if isBad && chance(0.1) {
      // A late copy, which nobody waits for.
      after(number(0...6_000)) { [self] in _ = take(call.call, sender) }
    }
    if isBad && chance(0.1) {
      // The connection is lost before the call or before its answer.
      if chance(0.5) { after(delay()) { [self] in _ = take(call.call, sender) } }
      unanswered(call.id, sender, replica, afterMs: number(1...300))
      return
    }
    after(delay()) { [self] in
      guard let answer = take(call.call, sender) else {
        return unanswered(call.id, sender, replica, afterMs: 1)
      }
      deliver(answer, call.id, sender, replica, afterMs: delay())
    }
  }

  private func deliver(
    _ answer: StatementCallAnswer, _ id: UInt64, _ sender: Sender, _ replica: FleetReplica,
    afterMs: Int64
  ) {
    inside(replica, sender.connection, afterMs: afterMs) { [self] in
      replica.table.answered(id, answer, bootMs: replica.boot(nowMs))
      retry(replica)
      wake(replica)
    }
  }

  private func unanswered(
    _ id: UInt64, _ sender: Sender, _ replica: FleetReplica, afterMs: Int64
  ) {
    inside(replica, sender.connection, afterMs: afterMs) { [self] in
      replica.table.unanswered(id, bootMs: replica.boot(nowMs))
      retry(replica)
      wake(replica)
    }
  }

  private func lose(_ replica: FleetReplica, partition: Int, _ id: UInt64) {
    replica.table.unanswered(id, bootMs: replica.boot(nowMs))
    replica.table.lost(partition: partition, bootMs: replica.boot(nowMs))
    retry(replica)
    inside(replica, replica.connection, afterMs: 300) { [self] in
      replica.table.reached(partition: partition, bootMs: replica.boot(nowMs))
      wake(replica)
    }
  }

  /// Who sent a call, as it was then.
  struct Sender {
    let holder: Holder
    let nonce: UInt32
    let alive: [Holder]
    let connection: Int
    let number: Int
    let refunds: [String: Int64]
    let sentMs: Int64
    let run: Int

    init(_ replica: FleetReplica, refunds: [String: Int64], sentMs: Int64, run: Int) {
      holder = replica.holder
      nonce = replica.nonce
      alive = replica.table.living(bootMs: replica.boot(sentMs))
      connection = replica.connection
      number = replica.number
      self.refunds = refunds
      self.sentMs = sentMs
      self.run = run
    }
  }

  private func refunds(
    _ call: StatementCallUnderWay, _ replica: FleetReplica
  ) -> [String: Int64] {
    var refunds: [String: Int64] = [:]
    for statement in call.call.statements {
      guard case .bucket = statement.shape, let name = name(of: statement.key) else { continue }
      refunds[statement.key.id] = replica.refunds[name] ?? 0
    }
    return refunds
  }

  func name(of key: SharedKey) -> String? {
    if names.isEmpty {
      for (name, rule) in rules { names[SharedKey(rule, name: name, scopeValue: "").id] = name }
    }
    return names[key.id]
  }

  private func take(_ call: StatementCall, _ sender: Sender) -> StatementCallAnswer? {
    // The connection to another master is another: what is on the way to the old one is lost.
    guard sender.run == storeRun else { return nil }
    let answer: StatementCallAnswer
    do {
      answer = try store.state(
        call, by: sender.holder, nonce: sender.nonce, runID: "run\(storeRun)",
        alive: sender.alive, leaseMs: plan.settings.leaseMilliseconds, storeMs: nowMs)
    } catch {
      truth.problems.append("\(nowMs): the store takes \(call) for wrong: \(error)")
      return nil
    }
    for (statement, said) in zip(call.statements, answer.answers) {
      note(statement, said, sender)
    }
    return answer
  }

  private func note(_ statement: Statement, _ answer: StatementAnswer, _ sender: Sender) {
    switch answer.outcome {
    case .stale, .fenced, .otherWindow: return
    case .granted, .short, .otherShort, .opening: break
    }
    guard let name = name(of: statement.key), let rule = rules[name] else { return }
    let at = "\(sender.holder.ledger)/\(statement.key.id)"
    if case .slots = statement.shape {
      if let last = heard[at], nowMs - last >= plan.settings.leaseMilliseconds {
        truth.excuse(sender.number, counter: name)
      }
      heard[at] = nowMs
    }
    if case .bucket = statement.shape {
      let process = "\(at)/\(sender.holder.start)"
      let refunds = sender.refunds[statement.key.id] ?? 0
      // Until it was answered, a statement sets the mark and moves nothing.
      if statement.seen == nil {
        told[process] = 0
      } else {
        truth.refund(name, refunds - (told[process] ?? 0), atMs: nowMs)
        told[process] = refunds
      }
    }
    if case .short = answer.outcome {
      let unit: Int64 = rule.kind == .usd ? 1_000 : 1
      let left = max(0, max(1, rule.capacity / unit) - answer.sum)
      if left >= statement.need {
        truth.problems.append("\(nowMs): \(name) was short with \(left) left of \(statement.need)")
      }
      words["\(sender.number)/\(name)", default: []].append((sender.sentMs, left * unit))
    }
  }

  // MARK: Requests

  func load() {
    let gap = -Double.random(in: 0.000_1..<1, using: &random).logarithm * plan.everyMs
    after(max(0, Int64(gap))) { [self] in
      guard !isCalm else { return }
      let heap = plan.isSkewed && chance(0.05) ? number(5...30) : 1
      let most = plan.isSkewed && chance(0.8) ? max(1, plan.replicas / 4) : plan.replicas
      let replica = replicas[Int(number(0...Int64(most - 1)))]
      for _ in 0..<heap { request(on: replica) }
      load()
    }
  }

  func request(on replica: FleetReplica, tokens: Int64? = nil) {
    guard replica.isUp(nowMs) else { return }
    exchanges += 1
    let need = tokens ?? number(1...plan.tokensMost)
    let exchange = FleetExchange(
      id: exchanges, tokens: need,
      caller: .subject("s\(number(1...Int64(plan.subjects)))"),
      lastsMs: number(plan.lastsLeastMs...plan.lastsMs),
      used: plan.usesAll || chance(0.5) ? need : number(0...need))
    ask(exchange, on: replica, asked: nil)
    wake(replica)
  }

  private func ask(_ exchange: FleetExchange, on replica: FleetReplica, asked: QuotaAsk?) {
    let answer = Answer(
      replica.table.reserve(
        replica.set, caller: exchange.caller, demand: .stated(exchange.tokens, 0),
        now: replica.now(nowMs), bootMs: replica.boot(nowMs), asked: asked))
    switch answer {
    case .held(let held): admit(exchange, held, on: replica)
    case .refused(let refusal): refuse(refusal, on: replica)
    case .asks(let ask):
      if asked != nil { truth.problems.append("\(nowMs): a second try asks again") }
      replica.waiting.append(.init(exchange: exchange, ask: ask, deadlineMs: nowMs + 50))
      inside(replica, replica.connection, afterMs: 50) { [self] in
        retry(replica)
        wake(replica)
      }
    }
  }

  private func retry(_ replica: FleetReplica) {
    let waiting = replica.waiting
    replica.waiting = []
    for one in waiting {
      if one.deadlineMs <= nowMs || replica.table.isAnswered(one.ask) {
        ask(one.exchange, on: replica, asked: one.ask)
      } else {
        replica.waiting.append(one)
      }
    }
  }

  private func admit(_ exchange: FleetExchange, _ held: Held, on replica: FleetReplica) {
    admitted += 1
    admittedTokens += exchange.tokens
    replica.open[exchange.id] = held
    replica.ledger.open.insert(exchange.id)
    replica.ledger.reserved[exchange.id] = held.charges
    replica.ledger.records.append(.admission(exchange.id, held.charges, replica.now(nowMs)))
    excuseSilent()
    truth.admit(
      exchange.id, on: replica.number, held.charges, rules, mayExceed: false, atMs: nowMs)
    inside(replica, replica.connection, afterMs: exchange.lastsMs) { [self] in
      settle(exchange.id, on: replica, used: exchange.used)
      wake(replica)
    }
  }

  /// What the store has not heard of for the lease's time may be given to others.
  private func excuseSilent() {
    // Of a large fleet that is much to look through for each admission.
    guard replicas.count < 100 || nowMs - excusedMs >= 100 else { return }
    excusedMs = nowMs
    for (name, rule) in rules where rule.window == .slots {
      let key = SharedKey(rule, name: name, scopeValue: "")
      for replica in replicas {
        let last = heard["\(replica.holder.ledger)/\(key.id)"] ?? nowMs
        guard nowMs - last >= plan.settings.leaseMilliseconds else { continue }
        truth.excuse(replica.number, counter: name)
      }
    }
  }

  /// `used`: nil for an exchange that was interrupted; it is charged half.
  private func settle(_ id: Int, on replica: FleetReplica, used: Int64?) {
    guard let held = replica.open.removeValue(forKey: id) else { return }
    let reserved = held.charges
    let most = reserved.filter { rules[$0.counter]?.kind == .tokens }.map(\.amount).max() ?? 0
    let final = replica.table.settle(
      held.take(), as: .used(.tokens(used ?? most / 2, 0, nanos: (used ?? most / 2) * 1_000)),
      now: replica.now(nowMs))
    replica.ledger.open.remove(id)
    replica.ledger.records.append(.completion(id, final, replica.now(nowMs)))
    for charge in reserved {
      guard case .bucket? = rules[charge.counter]?.window,
        let used = final.first(where: { $0.counter == charge.counter })
      else { continue }
      replica.refunds[charge.counter, default: 0] += charge.amount - used.amount
    }
    truth.settle(id, reserved: reserved, final: final, rules)
  }

  private func refuse(_ refusal: QuotaRefusal, on replica: FleetReplica) {
    if refusal.verdict == .storeUnavailable {
      unavailable += 1
      return
    }
    refused += 1
    if admittedAtFirstRefusal == nil { admittedAtFirstRefusal = admittedTokens }
    for failure in refusal.failures {
      switch failure.shortage {
      case .exceeded: break
      case .spent, .neverFits, .tooManySubjects, .storeUnavailable: continue
      }
      let name = CounterName.limit(failure.rule.owner, failure.rule.name)
      // Some may not have arrived yet.
      let isSlow = plan.isNetworkBad || plan.isFleetBad
      let isSaid = words["\(replica.number)/\(name)"]?.suffix(50).contains { word in
        word.left < failure.need && (isSlow || nowMs - word.sentMs <= 150)
      }
      if isSaid != true {
        truth.problems.append(
          "\(nowMs): \(name) refuses \(failure.need) without a word of the store's")
      }
    }
  }
}

extension Double {
  /// The natural logarithm, well enough for the gaps between requests, without Foundation.
  var logarithm: Double {
    let y = (self - 1) / (self + 1)
    var (sum, power) = (0.0, y)
    for n in stride(from: 1.0, to: 400, by: 2) {
      sum += power / n
      power *= y * y
    }
    return 2 * sum
  }
}
