import StoreModel
import Terms

@testable import Quota

/// Calls on the way, and what the store makes of them.
extension Fleet {
  private func delay() -> Int64 {
    guard plan.isNetworkBad, !isCalm else { return number(0...2) }
    return number(0...9) == 0 ? number(0...800) : number(0...20)
  }

  func send(_ call: StatementCallUnderWay, from replica: FleetReplica) {
    calls += 1
    statements += call.call.statements.count
    let sender = Sender(
      replica, as: holder(replica), nonce: nonce(replica),
      alive: replica.table.living(bootMs: replica.boot(nowMs)), refunds: refunds(call, replica),
      sentMs: nowMs, history: storeHistory)
    if let late = replica.late.removeValue(forKey: call.call.statements.map(\.key)) {
      inside(replica, sender.connection, afterMs: 0) { [self] in
        replica.table.answered(call.id, late, bootMs: replica.boot(nowMs))
        retry(replica)
        wake(replica)
      }
    }
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
      if chance(0.5) {
        after(delay()) { [self] in
          guard let answer = take(call.call, sender) else { return }
          // Where that is left out, it counts for the next statement.
          if plan.broken == .lateAnswersCount {
            replica.late[call.call.statements.map(\.key)] = answer
          }
        }
      }
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
      noteLosses(replica)
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
    noteLosses(replica)
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
    let history: Int

    init(
      _ replica: FleetReplica, as holder: Holder, nonce: UInt32, alive: [Holder],
      refunds: [String: Int64], sentMs: Int64, history: Int
    ) {
      self.holder = holder
      self.nonce = nonce
      self.alive = alive
      connection = replica.connection
      number = replica.number
      self.refunds = refunds
      self.sentMs = sentMs
      self.history = history
    }
  }

  /// As whom it states: by its ledger, unless holders are told apart by their names.
  func holder(_ replica: FleetReplica) -> Holder {
    guard plan.broken == .holdersByName else { return replica.holder }
    return Holder(ledger: FleetReplica.id((replica.number - 1) / 2 + 1), start: 1)
  }

  func nonce(_ replica: FleetReplica) -> UInt32 {
    plan.broken == .holdersByName ? 1 : replica.nonce
  }

  private func refunds(
    _ call: StatementCallUnderWay, _ replica: FleetReplica
  ) -> [String: Int64] {
    var refunds: [String: Int64] = [:]
    for statement in call.call.statements {
      guard case .bucket = statement.shape, let name = names[statement.key] else { continue }
      refunds[name] = replica.refunds[name] ?? 0
    }
    return refunds
  }

  // MARK: The store

  private func take(_ call: StatementCall, _ sender: Sender) -> StatementCallAnswer? {
    // The connection to another master is another: what is on the way to the old one is lost.
    guard sender.history == storeHistory else { return nil }
    excuseFollowed(call, sender)
    let answer: StatementCallAnswer
    do {
      answer = try store.state(
        call, by: sender.holder, nonce: sender.nonce, runID: "run\(storeRun)",
        history: plan.broken == .masterAgainIsTheSame ? "" : "history\(storeHistory)",
        alive: sender.alive, leaseMs: plan.settings.leaseMilliseconds, storeMs: storeMs)
    } catch {
      truth.problems.append("\(nowMs): the store takes \(call) for wrong: \(error)")
      return nil
    }
    for (statement, said) in zip(call.statements, answer.answers) {
      note(statement, said, sender)
    }
    return answer
  }

  /// A second process of a ledger is heard, and the first one still runs: until that is told, it has
  /// what it holds.
  private func excuseFollowed(_ call: StatementCall, _ sender: Sender) {
    guard plan.hasTwins else { return }
    for statement in call.statements {
      let counter = store.partitions[statement.key.partition]?.counters[statement.key.id]
      guard let name = names[statement.key], let rule = rules[name],
        let share = counter?.holders[sender.holder.ledger], share.start < sender.holder.start,
        let first = replicas.first(where: {
          $0.isAlive && $0.ledger.id == sender.holder.ledger && $0.ledger.start == share.start
        })
      else { continue }
      switch statement.shape {
      case .budget: truth.lost[name, default: 0] += (share.hold - share.settled) * rule.unit
      case .bucket: truth.spare(name, rule, share.unspent, atMs: nowMs)
      case .slots:
        truth.excuse(first.number, counter: name)
        followed.insert(first.number)
      }
    }
  }

  private func note(_ statement: Statement, _ answer: StatementAnswer, _ sender: Sender) {
    switch answer.outcome {
    case .stale, .fenced, .otherWindow: return
    case .granted, .short, .otherShort, .opening: break
    }
    guard let name = names[statement.key], let rule = rules[name] else { return }
    let at = "\(sender.holder.ledger)/\(statement.key.id)"
    if case .slots = statement.shape {
      if let last = heard[at], storeMs - last >= plan.settings.leaseMilliseconds {
        truth.excuse(sender.number, counter: name)
      }
      heard[at] = storeMs
    }
    if case .bucket = statement.shape {
      let process = "\(at)/\(sender.holder.start)"
      let refunds = sender.refunds[name] ?? 0
      // Until it was answered, a statement sets the mark and moves nothing.
      if statement.seen == nil {
        told[process] = 0
      } else {
        truth.refund(name, refunds - (told[process] ?? 0), atMs: nowMs)
        told[process] = refunds
      }
    }
    if case .short = answer.outcome {
      let limit = max(1, statement.capacity ?? statement.amount)
      let left = max(0, limit - answer.sum)
      if left >= statement.need {
        truth.problems.append("\(nowMs): \(name) was short with \(left) left of \(statement.need)")
      }
      words["\(sender.number)/\(name)", default: []].append((sender.sentMs, left * rule.unit))
    }
  }
}

extension Statement {
  /// Of a bucket.
  fileprivate var capacity: Int64? {
    if case .bucket(let capacity, _) = shape { capacity } else { nil }
  }
}

extension LimitRule {
  /// How much of the limit's unit is one of the store's.
  var unit: Int64 { kind == .usd ? 1_000 : 1 }
}
