import Terms

@testable import Quota

/// What the fleet's exchanges really took, counted beside tables and store.
struct FleetTruth {
  /// An exchange that is not settled.
  struct Open {
    let replica: Int
    var isExcused = false
  }

  /// A bucket in exact numbers: it is refilled by the true time, and gets back what the store was told
  /// of settlements when it was told.
  struct Level {
    var amount: Int64
    var capacity: Int64
    let period: Int64
    var scaled: Int128
    var atMs: Int64
    /// What may be taken beside it, because the contract does not cover it.
    var spare: Int128 = 0

    init(_ rule: LimitRule, atMs: Int64) {
      (amount, capacity) = (rule.amount, rule.capacity)
      if case .bucket(let period, _) = rule.window { self.period = period } else { period = 1 }
      self.atMs = atMs
      scaled = 0
      scaled = full
    }

    var full: Int128 { Int128(capacity) * Int128(period) }

    mutating func move(_ units: Int64, atMs now: Int64) {
      scaled = min(full, scaled + Int128(amount) * Int128(max(0, now - atMs)))
      atMs = max(atMs, now)
      scaled = min(full, scaled + Int128(units) * Int128(period))
      let used = min(spare, max(0, -scaled))
      spare -= used
      scaled += used
    }

    /// What was taken stays taken.
    mutating func change(to rule: LimitRule) {
      let before = full
      (amount, capacity) = (rule.amount, rule.capacity)
      scaled += full - before
    }
  }

  /// Of budgets, by counter and start of the window: settled.
  var settled: [String: [Int64: Int64]] = [:]
  var reserved: [String: [Int64: Int64]] = [:]
  var levels: [String: Level] = [:]
  var inFlight: [String: [Int: Open]] = [:]
  /// Of budgets and slots: what was out when the amount was lowered, by counter and window.
  var out: [String: [Int64: Int64]] = [:]
  /// Of budgets: what was charged and is known to no ledger and not to the store.
  var lost: [String: Int64] = [:]
  /// What was used beyond reservations, and without the store where a limit allows that.
  var owed: [String: Int64] = [:]
  /// Exchanges whose slots are not covered.
  var excused: Set<Int> = []
  var problems: [String] = []
  private var open: Set<Int> = []

  mutating func admit(
    _ exchange: Int, on replica: Int, _ charges: [Charge], _ rules: [String: LimitRule],
    areSlotsExcused: Bool, atMs now: Int64
  ) {
    open.insert(exchange)
    for charge in charges {
      guard let rule = rules[charge.counter] else { continue }
      switch rule.window {
      case .calendar:
        let window = charge.window ?? 0
        reserved[charge.counter, default: [:]][window, default: 0] += charge.amount
        let sum = total(charge.counter, window)
        let most = max(rule.amount, out[charge.counter]?[window] ?? 0)
        if sum > most + (lost[charge.counter] ?? 0) + (owed[charge.counter] ?? 0) {
          problems.append("\(now): \(charge.counter) has \(sum) of \(most)")
        }
      case .bucket:
        levels[charge.counter, default: Level(rule, atMs: now)].move(-charge.amount, atMs: now)
        if levels[charge.counter]!.scaled < 0 {
          problems.append("\(now): \(charge.counter) is \(levels[charge.counter]!.scaled) below 0")
          levels[charge.counter]!.scaled = 0
        }
      case .slots:
        let isExcused = areSlotsExcused || excused.contains(exchange)
        inFlight[charge.counter, default: [:]][exchange] = Open(
          replica: replica, isExcused: isExcused)
        let count = inFlight[charge.counter]!.values.count { !$0.isExcused }
        if count > max(rule.amount, out[charge.counter]?[0] ?? 0) {
          problems.append("\(now): \(charge.counter) has \(count) of \(rule.amount) slots in use")
        }
      }
    }
  }

  func total(_ counter: String, _ window: Int64) -> Int64 {
    (reserved[counter]?[window] ?? 0) + (settled[counter]?[window] ?? 0)
  }

  /// The amount that is in force is another; `leased` is what replicas have in hand.
  mutating func change(
    _ counter: String, from before: LimitRule, to rule: LimitRule, leased: Int64
  ) {
    switch rule.window {
    case .calendar:
      guard rule.amount < before.amount else { return }
      for window in Set((reserved[counter] ?? [:]).keys).union((settled[counter] ?? [:]).keys) {
        out[counter, default: [:]][window] = total(counter, window) + leased
      }
    case .bucket:
      guard var level = levels[counter] else { return }
      level.change(to: rule)
      if rule.capacity < before.capacity { level.spare += Int128(leased) * Int128(level.period) }
      levels[counter] = level
    case .slots:
      guard rule.amount < before.amount else { return }
      out[counter, default: [:]][0] = Int64(inFlight[counter]?.count ?? 0) + leased
    }
  }

  /// Of a bucket: so much more may be taken.
  mutating func spare(_ counter: String, _ rule: LimitRule, _ units: Int64, atMs now: Int64) {
    let level = levels[counter, default: Level(rule, atMs: now)]
    levels[counter, default: level].spare += Int128(units) * Int128(level.period)
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

  /// The store took in a statement by which a bucket gets back so much; below 0, owes it.
  mutating func refund(_ counter: String, _ amount: Int64, atMs now: Int64) {
    guard let level = levels[counter] else { return }
    if amount < 0 { levels[counter]?.spare += Int128(-amount) * Int128(level.period) }
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
