import StoreModel
import Terms

@testable import Quota

/// What must be when nothing goes wrong any more.
extension Fleet {
  /// No faults and no load any more: everything comes to rest, and every ledger is opened again.
  func rest() {
    isCalm = true
    storeAheadMs = 0
    for replica in replicas {
      replica.isCutOff = false
      replica.pausedUntilMs = min(replica.pausedUntilMs, nowMs + 500)
    }
    run(forMs: 20_000)
    // What a process that died had leased for a caller is given back when it asks for that caller.
    if plan.subjects > 1 {
      for replica in replicas {
        for subject in 1...plan.subjects {
          request(on: replica, tokens: 1, subject: Int64(subject))
        }
      }
      run(forMs: 10_000)
    }
    for replica in replicas { wake(replica) }
    run(forMs: 10_000)
  }

  func expectRest() -> [String] {
    var problems = truth.problems
    for (name, key) in keys {
      guard let rule = rules[name],
        let counter = store.partitions[key.partition]?.counters[key.id]
      else { continue }
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
    for replica in replicas where replica.table.fencedBy == nil {
      if !replica.waiting.isEmpty { problems.append("requests wait at rest") }
      if let leased = replica.table.sharedState?.leasedCounters, leased > 0 {
        problems.append("\(leased) slices at rest")
      }
    }
    expectFenced(&problems)
    return problems
  }

  /// Of the processes of one ledger, the one with the highest start number goes on.
  private func expectFenced(_ problems: inout [String]) {
    var highest: [String: Int64] = [:]
    for replica in replicas where replica.table.fencedBy == nil {
      highest[replica.ledger.id] = max(highest[replica.ledger.id] ?? 0, replica.ledger.start)
    }
    for replica in replicas {
      let isHighest = replica.ledger.start == highest[replica.ledger.id]
      if replica.table.fencedBy == nil, !isHighest {
        problems.append("replica \(replica.number) goes on beside another of its ledger")
      }
      if replica.table.fencedBy != nil {
        fenced += 1
        if highest[replica.ledger.id] == nil { problems.append("nobody goes on with a ledger") }
      }
    }
    let ledgers = replicas.filter { $0.table.fencedBy == nil }.map(\.ledger.id)
    if Set(ledgers).count != ledgers.count { problems.append("two go on with one ledger") }
  }

  /// The store has what was charged, and nothing else; where ledgers were lost it has at least that.
  private func expectRest(
    _ counter: CounterModel, _ name: String, _ rule: LimitRule, window: Int64,
    _ problems: inout [String]
  ) {
    let used = truth.settled[name]?[window] ?? 0
    let unit = rule.unit
    if counter.sum * unit < used - (truth.lost[name] ?? 0) {
      problems.append("\(name): the store has \(counter.sum), used was \(used / unit)")
    }
    guard !plan.areLedgersBad, !plan.hasTwins else { return }
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
