import Terms

@testable import Quota

/// The same limits, thought through again in the plainest way: doubles that the periods chosen keep
/// exact, whole histories in dictionaries, nothing ever forgotten. It shares no code with the engine.
struct NaiveModel {
  struct Entry {
    var kind: LimitKind
    var amount: Double
    var capacity: Double
    /// Of a bucket, in milliseconds; 0 for a day's budget and for slots.
    var period: Double
    var level: Double
    var time: Int64
    /// Of a budget: settled and reserved by the number of the day.
    var used: [Int64: Double] = [:]
    var reserved: [Int64: Double] = [:]
    /// Of slots: who is in.
    var inside: Set<Int> = []
  }

  static let day: Int64 = 86_400_000
  var entries: [String: Entry] = [:]
  /// What each open exchange reserved: counter, amount, day.
  var open: [Int: [(counter: String, amount: Double, day: Int64)]] = [:]

  static func entry(_ rule: LimitRule, now: Int64) -> Entry {
    var period = 0.0
    var capacity = Double(rule.amount)
    if case .bucket(let milliseconds, let burst) = rule.window {
      period = Double(milliseconds)
      capacity = Double(burst)
    }
    return Entry(
      kind: rule.kind, amount: Double(rule.amount), capacity: capacity, period: period,
      level: capacity, time: now)
  }

  static func name(_ rule: LimitRule, _ subject: String) -> String {
    "tenant/a/\(rule.name)" + (rule.scope == .subject ? "/subject/\(subject)" : "")
  }

  static func refilled(_ entry: Entry, _ now: Int64) -> Entry {
    var entry = entry
    guard entry.period > 0 else { return entry }
    entry.level = min(
      entry.capacity, entry.level + entry.amount * Double(now - entry.time) / entry.period)
    entry.time = now
    return entry
  }

  /// The clock was set: what has passed has passed, and no more.
  mutating func step(from: Int64, to: Int64) {
    for (name, entry) in entries {
      entries[name] = Self.refilled(entry, from)
      entries[name]!.time = to
    }
  }

  mutating func reload(_ rules: [LimitRule], subjects: [String], now: Int64) {
    for rule in rules {
      for subject in subjects {
        let name = Self.name(rule, subject)
        guard let old = entries[name] else { continue }
        var entry = Self.refilled(old, now)
        let taken = entry.capacity - entry.level
        let fresh = Self.entry(rule, now: now)
        entry.amount = fresh.amount
        entry.capacity = fresh.capacity
        entry.level = fresh.capacity - taken
        entries[name] = entry
      }
    }
  }

  /// The output that is asked for, cut where it may be: for limits on tokens, and for those on money.
  static func cut(_ demand: Demand, _ rules: [LimitRule]) -> (output: Double, paid: Double) {
    var output = Double(demand.completionTokens)
    var paid = Double(max(demand.completionTokens, demand.completionTokensMost))
    guard !demand.isBoundStated else { return (output, paid) }
    for rule in rules {
      let most = Self.entry(rule, now: 0).capacity
      switch rule.kind {
      case .tokens: output = min(output, max(0, most - Double(demand.promptTokens)))
      case .completionTokens: output = min(output, most)
      case .usd:
        let prompt =
          Double(demand.promptTokens * demand.prices.promptNanos)
          + Double((demand.prices.others.perRequest ?? 0))
        let left = max(0, most - prompt) / Double(demand.prices.completionNanos)
        paid = min(paid, left.rounded(.down))
      case .requests, .promptTokens, .concurrent: break
      }
    }
    return (min(output, paid), paid)
  }

  static func need(
    _ kind: LimitKind, _ demand: Demand, output: Double, paid: Double
  ) -> Double {
    switch kind {
    case .requests, .concurrent: 1
    case .tokens: Double(demand.promptTokens) + output
    case .promptTokens: Double(demand.promptTokens)
    case .completionTokens: output
    case .usd:
      Double(
        demand.promptTokens * demand.prices.promptNanos + (demand.prices.others.perRequest ?? 0))
        + paid * Double(demand.prices.completionNanos)
    }
  }

  mutating func ask(
    _ id: Int, _ rules: [LimitRule], subject: String, _ demand: Demand, now: Int64
  ) -> Bool {
    let (output, paid) = Self.cut(demand, rules)
    var charges: [(counter: String, amount: Double, day: Int64)] = []
    for rule in rules {
      let name = Self.name(rule, subject)
      let entry = Self.refilled(entries[name] ?? Self.entry(rule, now: now), now)
      entries[name] = entry
      let need = Self.need(rule.kind, demand, output: output, paid: paid)
      charges.append((name, need, now / Self.day))
      let left: Double
      if entry.period > 0 {
        left = entry.level
      } else if rule.kind == .concurrent {
        left = entry.amount - Double(entry.inside.count)
      } else {
        let day = now / Self.day
        left = entry.amount - (entry.used[day] ?? 0) - (entry.reserved[day] ?? 0)
      }
      if need > 0, left < need { return false }
    }
    for charge in charges {
      entries[charge.counter]!.level -= charge.amount
      entries[charge.counter]!.reserved[charge.day, default: 0] += charge.amount
      entries[charge.counter]!.inside.insert(id)
    }
    open[id] = charges
    return true
  }

  mutating func settle(_ id: Int, _ settlement: Settlement, now: Int64) {
    for charge in open.removeValue(forKey: id)! {
      var entry = Self.refilled(entries[charge.counter]!, now)
      var final = 0.0
      switch (settlement, entry.kind) {
      case (.nothing, .requests): final = entry.period > 0 ? 1 : 0
      case (.undone, _), (.nothing, _), (.requestOnly, .tokens), (.requestOnly, .promptTokens):
        final = 0
      case (.requestOnly, .completionTokens), (.requestOnly, .usd): final = 0
      case (_, .requests), (_, .concurrent): final = 1
      case (.used(let usage), .tokens):
        final = Double(usage.promptTokens + usage.completionTokens)
      case (.used(let usage), .promptTokens): final = Double(usage.promptTokens)
      case (.used(let usage), .completionTokens): final = Double(usage.completionTokens)
      case (.used(let usage), .usd): final = Double(usage.nanoDollars)
      }
      entry.level = min(entry.capacity, entry.level + charge.amount - final)
      entry.reserved[charge.day]! -= charge.amount
      entry.used[charge.day, default: 0] += final
      entry.inside.remove(id)
      entries[charge.counter] = entry
    }
  }
}

extension Prices {
  /// The property tests' prices are whole nano-dollars.
  fileprivate var promptNanos: Int64 { standard.tokens[.prompt] / 1_000 }
  fileprivate var completionNanos: Int64 { standard.tokens[.completion] / 1_000 }
}
