import Terms

@testable import Quota

/// The load, and what becomes of it.
extension Fleet {
  func load() {
    let gap = -Double.random(in: 0.000_1..<1, using: &random).logarithm * plan.everyMs
    after(max(0, Int64(gap))) { [self] in
      guard !isCalm else { return }
      let heap =
        plan.heaps.map { number($0) } ?? (plan.isSkewed && chance(0.05) ? number(5...30) : 1)
      let most = plan.isSkewed && chance(0.8) ? max(1, plan.replicas / 4) : replicas.count
      let replica = replicas[Int(number(0...Int64(most - 1)))]
      for _ in 0..<heap { request(on: replica) }
      load()
    }
  }

  func request(on replica: FleetReplica, tokens: Int64? = nil, subject: Int64? = nil) {
    guard replica.isUp(nowMs) else { return }
    exchanges += 1
    let need = tokens ?? number(1...plan.tokensMost)
    let subject = subject ?? number(1...Int64(plan.subjects))
    var used = plan.usesAll || chance(0.5) ? need : number(0...need)
    if plan.owes, chance(0.2) { used = number(need...2 * need) }
    let exchange = FleetExchange(
      id: exchanges, tokens: need, caller: .subject("s\(subject)"),
      lastsMs: number(plan.lastsLeastMs...plan.lastsMs), used: used)
    ask(exchange, on: replica, asked: nil)
    wake(replica)
  }

  private func ask(_ exchange: FleetExchange, on replica: FleetReplica, asked: QuotaAsk?) {
    let lost = inHandWhileLost(replica, exchange)
    let demand = Demand.stated(
      exchange.tokens, 0,
      prices: Prices(promptNanos: plan.nanosEach, completionNanos: 0, perRequestNanos: 0))
    let answer = Answer(
      replica.table.reserve(
        replica.set, caller: exchange.caller, demand: demand, now: replica.now(nowMs),
        bootMs: replica.boot(nowMs), asked: asked))
    switch answer {
    case .held(let held):
      excuse(held, exchange, lost, on: replica)
      admit(exchange, held, on: replica)
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

  func retry(_ replica: FleetReplica) {
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
    if replica.table.fencedBy != nil {
      truth.problems.append("\(nowMs): replica \(replica.number) is fenced and admits")
    }
    excuseSilent()
    let wereSilent = nowMs - jumpedMs < plan.settings.leaseMilliseconds
    truth.admit(
      exchange.id, on: replica.number, held.charges, rules,
      areSlotsExcused: wereSilent || followed.contains(replica.number),
      atMs: nowMs)
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
      for replica in replicas {
        let last = heard["\(replica.holder.ledger)/\(keys[name]!.id)"] ?? storeMs
        guard storeMs - last >= plan.settings.leaseMilliseconds else { continue }
        truth.excuse(replica.number, counter: name)
      }
    }
  }

  /// `used`: nil for an exchange that was interrupted; it is charged half.
  func settle(_ id: Int, on replica: FleetReplica, used: Int64?) {
    guard let held = replica.open.removeValue(forKey: id) else { return }
    let reserved = held.charges
    let most = reserved.filter { rules[$0.counter]?.kind == .tokens }.map(\.amount).max()
    let nanos = reserved.filter { rules[$0.counter]?.kind == .usd }.map(\.amount).max() ?? 0
    let tokens = used ?? (most ?? nanos / plan.nanosEach) / 2
    let final = replica.table.settle(
      held.take(), as: .used(.tokens(tokens, 0, nanos: tokens * plan.nanosEach)),
      now: replica.now(nowMs))
    replica.ledger.open.remove(id)
    replica.ledger.records.append(.completion(id, final, replica.now(nowMs)))
    for charge in reserved {
      guard let rule = rules[charge.counter],
        let used = final.first(where: { $0.counter == charge.counter })
      else { continue }
      if rule.window != .slots, used.amount > charge.amount {
        truth.owed[charge.counter, default: 0] += used.amount - charge.amount
      }
      if case .bucket = rule.window {
        replica.refunds[charge.counter, default: 0] += charge.amount - used.amount
      }
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
      let name = CounterName.limit(failure.rule.owner, failure.rule.name)
      refusedBy[name, default: 0] += 1
      switch failure.shortage {
      case .exceeded: break
      case .spent, .neverFits, .tooManySubjects, .storeUnavailable: continue
      }
      guard failure.rule.scope == .owner else { continue }
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

  // MARK: While the store is lost

  /// What a replica has in hand of the counters that it has lost.
  private func inHandWhileLost(
    _ replica: FleetReplica, _ exchange: FleetExchange
  ) -> [String: Int64] {
    var inHand: [String: Int64] = [:]
    for (rule, limit) in zip(replica.catalog.rules, replica.catalog.names) {
      guard rule.onStoreLoss != .lease else { continue }
      let name = CounterName.counter(
        of: limit, scope: rule.scope,
        scopeValue: rule.scope == .owner ? "" : exchange.caller.subject)
      guard replica.hasLost(keys[name]!) else { continue }
      // Of a slice that is void nothing is in hand.
      guard let (part, count) = replica.part(name) else { continue }
      let isVoid = !count.isBudget && replica.boot(nowMs) >= part.validUntilMs
      inHand[name] = isVoid ? 0 : part.unspent
    }
    return inHand
  }

  /// What is admitted without the store is not covered, as far as the limit says so.
  private func excuse(
    _ held: Held, _ exchange: FleetExchange, _ lost: [String: Int64], on replica: FleetReplica
  ) {
    for charge in held.charges {
      guard let rule = rules[charge.counter], let inHand = lost[charge.counter], charge.amount > 0
      else { continue }
      let beyond = max(0, charge.amount - inHand)
      if rule.onStoreLoss == .deny {
        truth.problems.append("\(nowMs): \(charge.counter) admits while the store is lost")
      }
      guard beyond > 0 else { continue }
      admittedWhileLost += 1
      if rule.onStoreLoss == .local { takeLocal(beyond, charge.counter, rule, replica) }
      switch rule.window {
      case .calendar: truth.owed[charge.counter, default: 0] += beyond
      case .bucket: truth.spare(charge.counter, rule, beyond, atMs: nowMs)
      case .slots: truth.excused.insert(exchange.id)
      }
    }
  }

  /// A replica's own share is a part of what was left, and no more, while the store is lost once.
  private func takeLocal(
    _ units: Int64, _ counter: String, _ rule: LimitRule, _ replica: FleetReplica
  ) {
    guard rule.window != .slots else { return }
    guard var share = replica.shares[counter] else {
      truth.problems.append("\(nowMs): \(counter) has no share, and admits \(units)")
      return
    }
    share.taken += units
    replica.shares[counter] = share
    var most = share.units
    if case .bucket(let period, _) = rule.window {
      most = share.units * (nowMs - share.sinceMs) / period
    }
    if share.taken > most {
      truth.problems.append("\(nowMs): \(counter) admits \(share.taken) of a share of \(most)")
    }
  }

  /// Where a partition has just been lost: the share that each of its limits has from now on.
  func noteLosses(_ replica: FleetReplica) {
    for (rule, limit) in zip(replica.catalog.rules, replica.catalog.names) {
      guard rule.onStoreLoss == .local, rule.scope == .owner, let key = keys[limit] else {
        continue
      }
      guard replica.hasLost(key) else {
        replica.shares[limit] = nil
        continue
      }
      guard replica.shares[limit] == nil, let part = replica.part(limit)?.part else { continue }
      let alive = replica.table.sharing?.replicas ?? 0
      var units = part.seen.map { max(0, rule.amount / rule.unit - $0.sum) * rule.unit } ?? 0
      if case .bucket = rule.window { units = rule.amount }
      replica.shares[limit] = .init(units: alive > 0 ? units / alive : 0, sinceMs: nowMs)
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
