import StoreModel
import Terms

@testable import Quota

/// What goes wrong.
extension Fleet {
  /// Every while something does.
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
      if plan.isStoreFar && chance(0.3) { cutOff(anyone()) }
      if plan.hasTwins && number(0...4) == 0 { startTwin(of: anyone()) }
      if plan.isStoreBad && number(0...6) == 0 { failOver() }
      if plan.storeJumpsMs > 0 && number(0...3) == 0 { jump() }
      if plan.areAmountsChanging { reload(anyone(), to: Int(number(0...1))) }
      if number(0...4) == 0 { storeCopy = store.copy() }
      trouble()
    }
  }

  func anyone() -> FleetReplica { replicas[Int(number(0...Int64(replicas.count - 1)))] }

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
      for (name, key) in keys {
        let counter = store.partitions[key.partition]?.counters[key.id]
        guard let share = counter?.holders[copy.id] else { continue }
        truth.lost[name, default: 0] += (share.hold - share.settled) * rules[name]!.unit
      }
      replica.ledger = copy.copy(records: copy.records.count * 2 / 3)
      truth.forget(copy.open, copy.reserved, rules)
    case _: break
    }
  }

  /// Another process starts with a copy of a ledger whose process still runs.
  private func startTwin(of first: FleetReplica) {
    guard first.isAlive, replicas.count < plan.replicas + 3 else { return }
    let twin = FleetReplica(
      number: replicas.count + 1, catalog: first.catalog, bootAheadMs: first.bootAheadMs,
      wallAheadMs: first.wallAheadMs, nonce: UInt32(replicas.count + 1))
    let count = first.ledger.records.count
    twin.ledger = first.ledger.copy(records: chance(0.5) ? count : count * 2 / 3)
    replicas.append(twin)
    start(twin)
  }

  /// Another master, or the same one again after another: empty, or an old copy.
  func failOver() {
    storeHistory += 1
    if chance(0.5) { storeRun += 1 }
    if chance(0.3) { store.wipe() } else { store.restore(storeCopy) }
  }

  /// The store's clock is set.
  private func jump() {
    let jump = number(-plan.storeJumpsMs...plan.storeJumpsMs)
    storeAheadMs += jump
    guard jump > 0 else { return }
    jumpedMs = nowMs
    for (name, rule) in rules {
      if case .bucket = rule.window { truth.spare(name, rule, rule.capacity, atMs: nowMs) }
      guard rule.window == .slots else { continue }
      for replica in replicas { truth.excuse(replica.number, counter: name) }
    }
  }

  // MARK: Policies

  func reload(_ replica: FleetReplica, to policy: Int) {
    guard replica.isAlive, replica.policy != policy else { return }
    inside(replica, replica.connection, afterMs: 0) { [self] in
      reloads += 1
      replica.adopt(catalogs[policy], policy: policy, at: nowMs)
      countLimits()
      retry(replica)
      wake(replica)
    }
  }

  /// One replica after the other goes to the next policy.
  func rollOut() {
    guard catalogs.count > 1, !plan.areAmountsChanging else { return }
    for (index, replica) in replicas.enumerated() {
      let share = Int64(index + 1) * plan.lengthMs / Int64(replicas.count + 2)
      after(share) { [self] in reload(replica, to: 1) }
    }
  }
}
