import StoreModel
import Terms

@testable import Quota

extension Fleet {
  /// Every while something goes wrong.
  func trouble() {
    after(number(100...1_500)) { [self] in
      guard !isCalm else { return }
      if plan.isFleetBad {
        switch number(0...3) {
        case 0: pause(anyone())
        case 1: die(anyone())
        case 2: cutOff(anyone())
        case _: break
        }
      }
      if plan.isStoreBad && number(0...6) == 0 { failOver() }
      if number(0...4) == 0 { storeCopy = store.copy() }
      trouble()
    }
  }

  private func anyone() -> FleetReplica { replicas[Int(number(0...Int64(replicas.count - 1)))] }

  func pause(_ replica: FleetReplica) {
    guard replica.isUp(nowMs) else { return }
    let length = [500, 6_000][Int(number(0...1))]
    replica.pausedUntilMs = nowMs + Int64(length)
    inside(replica, replica.connection, afterMs: Int64(length)) { [self] in wake(replica) }
  }

  /// Its connections are gone, and come back.
  func cutOff(_ replica: FleetReplica) {
    guard replica.isUp(nowMs), !replica.isCutOff else { return }
    replica.isCutOff = true
    after(number(200...6_000)) { replica.isCutOff = false }
  }

  func die(_ replica: FleetReplica) {
    guard replica.isAlive else { return }
    replica.isAlive = false
    replica.connection += 1
    for id in replica.open.keys.sorted() {
      guard let held = replica.open.removeValue(forKey: id) else { continue }
      held.take().leaveToRecovery()
      for (name, rule) in rules where rule.window == .slots {
        truth.inFlight[name]?[id] = nil
      }
    }
    let copy = replica.ledger
    after(number(100...8_000)) { [self] in
      guard !replica.isAlive else { return }
      if plan.areLedgersBad && !isCalm { spoil(replica, copy) }
      start(replica)
    }
  }

  /// Its directory is empty, or an old copy.
  ///
  /// What the old copy lacks, and the store was not told of as settled, is known to nobody any more:
  /// of each budget at most what the replica held beside what was settled.
  private func spoil(_ replica: FleetReplica, _ copy: FleetReplica.Ledger) {
    switch number(0...2) {
    case 0:
      replica.ledger = FleetReplica.Ledger(id: FleetReplica.id(10_000 + Int(number(0...999_999))))
      truth.forget(copy.open, copy.reserved, rules)
    case 1:
      var old = FleetReplica.Ledger(id: copy.id, start: copy.start)
      for record in copy.records.prefix(copy.records.count * 2 / 3) {
        old.records.append(record)
        switch record {
        case .admission(let id, let charges, _):
          old.reserved[id] = charges
          old.open.insert(id)
        case .completion(let id, _, _): old.open.remove(id)
        }
      }
      for (name, rule) in rules {
        let key = SharedKey(rule, name: name, scopeValue: "")
        let counter = store.partitions[key.partition]?.counters[key.id]
        guard let share = counter?.holders[copy.id] else { continue }
        truth.lost[name, default: 0] += share.hold - share.settled
      }
      replica.ledger = old
      truth.forget(copy.open, copy.reserved, rules)
    case _: break
    }
  }

  /// Another master: empty, or an old copy.
  func failOver() {
    storeRun += 1
    if chance(0.5) { store.wipe() } else { store.restore(storeCopy) }
    for replica in replicas {
      inside(replica, replica.connection, afterMs: number(1...300)) { [self] in
        for partition in 0..<SharedKey.partitions {
          replica.table.doubt(partition: partition, bootMs: replica.boot(nowMs))
        }
        wake(replica)
      }
    }
  }

  /// No faults and no load any more: everything comes to rest, and every ledger is opened again.
  func rest() {
    isCalm = true
    for replica in replicas {
      replica.isCutOff = false
      replica.pausedUntilMs = min(replica.pausedUntilMs, nowMs + 500)
    }
    run(forMs: 20_000)
    for replica in replicas { wake(replica) }
    run(forMs: 10_000)
  }

  /// What must be when all is at rest.
  func expectRest() -> [String] {
    var problems = truth.problems
    for (name, rule) in rules {
      let key = SharedKey(rule, name: name, scopeValue: "")
      guard let counter = store.partitions[key.partition]?.counters[key.id] else { continue }
      // What those who are gone have left is theirs.
      let held = replicas.compactMap { replica in
        counter.holders[replica.ledger.id].flatMap {
          $0.start == replica.ledger.start ? $0 : nil
        }
      }
      switch counter.kind {
      case .budget(let start, _):
        expectRest(counter, name, rule, window: start, &problems)
      case .slots:
        let sum = held.reduce(0) { $0 + $1.hold }
        if sum != 0 { problems.append("\(name): \(sum) slots are in use at rest") }
      case .bucket:
        let unspent = held.reduce(0) { $0 + $1.unspent }
        if unspent != 0 { problems.append("\(name): \(unspent) are leased at rest") }
      }
    }
    for replica in replicas {
      if !replica.waiting.isEmpty { problems.append("requests wait at rest") }
      if let leased = replica.table.sharedState?.leasedCounters, leased > 0 {
        problems.append("\(leased) slices at rest")
      }
    }
    return problems
  }

  /// The store has what was charged, and nothing else; where ledgers were lost it has at least that.
  private func expectRest(
    _ counter: CounterModel, _ name: String, _ rule: LimitRule, window: Int64,
    _ problems: inout [String]
  ) {
    let used = truth.settled[name]?[window] ?? 0
    let unit: Int64 = rule.kind == .usd ? 1_000 : 1
    if counter.sum < used / unit - (truth.lost[name] ?? 0) {
      problems.append("\(name): the store has \(counter.sum), used was \(used / unit)")
    }
    guard !plan.areLedgersBad else { return }
    if truth.reserved[name]?[window] ?? 0 != 0 { problems.append("\(name) is reserved at rest") }
    let ledgers = replicas.reduce(0) { $0 + $1.settled(name, window: window) }
    if ledgers != used { problems.append("\(name): the ledgers have \(ledgers) of \(used)") }
    let most = used / unit + (unit == 1 ? 0 : Int64(counter.holders.count))
    if counter.sum - counter.gone != counter.settled || counter.settled > most {
      problems.append(
        "\(name): the store has \(counter.sum), settled \(counter.settled), gone \(counter.gone)"
          + "; used was \(used / unit)")
    }
  }
}
