import Terms

@testable import Quota

/// What the fleet's exchanges really took, counted beside tables and store.
struct FleetTruth {
  /// An exchange that is not settled.
  struct Open {
    let replica: Int
    let kind: LimitKind
    let amount: Int64
    let window: Int64?
    var isExcused = false
  }

  /// A bucket in exact numbers: it is refilled by the true time, and gets back what the store was told
  /// of settlements when it was told.
  struct Level {
    let rule: LimitRule
    var scaled: Int128
    var atMs: Int64
    var lowest: Int128

    init(_ rule: LimitRule, atMs: Int64) {
      self.rule = rule
      self.atMs = atMs
      (scaled, lowest) = (0, 0)
      scaled = full
      lowest = full
    }

    var period: Int64 {
      if case .bucket(let period, _) = rule.window { period } else { 1 }
    }
    var full: Int128 { Int128(rule.capacity) * Int128(period) }

    mutating func move(_ amount: Int64, atMs now: Int64) {
      scaled = min(full, scaled + Int128(rule.amount) * Int128(max(0, now - atMs)))
      atMs = max(atMs, now)
      scaled = min(full, scaled + Int128(amount) * Int128(period))
      lowest = min(lowest, scaled)
    }
  }

  /// Of budgets, by counter and start of the window: settled.
  var settled: [String: [Int64: Int64]] = [:]
  var reserved: [String: [Int64: Int64]] = [:]
  var levels: [String: Level] = [:]
  var inFlight: [String: [Int: Open]] = [:]
  /// Of budgets: what was charged and is known to no ledger and not to the store.
  var lost: [String: Int64] = [:]
  var problems: [String] = []
  private var open: Set<Int> = []

  mutating func admit(
    _ exchange: Int, on replica: Int, _ charges: [Charge], _ rules: [String: LimitRule],
    mayExceed: Bool, atMs now: Int64
  ) {
    open.insert(exchange)
    for charge in charges {
      guard let rule = rules[charge.counter] else { continue }
      switch rule.window {
      case .calendar:
        let window = charge.window ?? 0
        reserved[charge.counter, default: [:]][window, default: 0] += charge.amount
        let sum =
          reserved[charge.counter]![window]! + (settled[charge.counter]?[window] ?? 0)
        if sum > rule.amount + (lost[charge.counter] ?? 0) && !mayExceed {
          problems.append("\(now): \(charge.counter) has \(sum) of \(rule.amount)")
        }
      case .bucket:
        levels[charge.counter, default: Level(rule, atMs: now)].move(-charge.amount, atMs: now)
        if levels[charge.counter]!.scaled < 0 && !mayExceed {
          problems.append("\(now): \(charge.counter) is \(levels[charge.counter]!.scaled) below 0")
          levels[charge.counter]!.scaled = 0
        }
      case .slots:
        inFlight[charge.counter, default: [:]][exchange] = Open(
          replica: replica, kind: rule.kind, amount: charge.amount, window: nil)
        let count = inFlight[charge.counter]!.values.count { !$0.isExcused }
        if count > rule.amount && !mayExceed {
          problems.append("\(now): \(charge.counter) has \(count) of \(rule.amount) slots in use")
        }
      }
    }
  }

  /// What no ledger knows of any more is never settled.
  mutating func forget(
    _ exchanges: Set<Int>, _ reserved: [Int: [Charge]], _ rules: [String: LimitRule]
  ) {
    for id in exchanges { settle(id, reserved: reserved[id] ?? [], final: [], rules) }
  }

  mutating func settle(
    _ exchange: Int, reserved charges: [Charge], final: [Charge], _ rules: [String: LimitRule]
  ) {
    // An old copy of a ledger ends again what has ended.
    guard open.remove(exchange) != nil else { return }
    for charge in charges {
      guard let rule = rules[charge.counter] else { continue }
      switch rule.window {
      case .calendar:
        let window = charge.window ?? 0
        reserved[charge.counter]?[window]? -= charge.amount
        let used = final.first { $0.counter == charge.counter }?.amount ?? 0
        settled[charge.counter, default: [:]][window, default: 0] += used
      case .bucket: break
      case .slots: inFlight[charge.counter]?[exchange] = nil
      }
    }
  }

  /// The store took in a statement by which a bucket gets back so much.
  mutating func refund(_ counter: String, _ amount: Int64, atMs now: Int64) {
    levels[counter]?.move(amount, atMs: now)
  }

  /// The store has not heard of the replica for the lease's time: what it has in flight may be given
  /// to others.
  mutating func excuse(_ replica: Int, counter: String) {
    for (id, open) in inFlight[counter] ?? [:] where open.replica == replica {
      inFlight[counter]![id]!.isExcused = true
    }
  }
}
