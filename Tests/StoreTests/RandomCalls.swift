import Quota
import SeededRandom

extension SeededRandom {
  mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
  mutating func number(_ range: ClosedRange<Int64>) -> Int64 { .random(in: range, using: &self) }
  mutating func pick<T>(_ list: [T]) -> T { list.randomElement(using: &self)! }
}

/// A world of a few holders and counters that makes up calls: mostly what replicas say, in part what
/// none would.
struct RandomCalls {
  /// A counter and how big its numbers are.
  struct Counter {
    let key: SharedKey
    let kind: Int
    let amount: Int64
    let capacity: Int64
    let period: Int64
  }

  /// What a holder said last of a counter.
  struct Said {
    var number: Int64 = 0
    var hold: Int64 = 0
    var settled: Int64 = 0
    var seen: Statement.Seen?
    var window: (start: Int64, end: Int64)?
  }

  static let day: Int64 = 86_400_000
  var random: SeededRandom
  let counters: [Counter]
  var holders: [Holder]
  var said: [String: Said] = [:]
  /// The opening that was told last.
  var openingMs: Int64 = 0

  init(seed: UInt64) {
    var random = SeededRandom(seed)
    counters = (0..<6).map { index -> Counter in
      let amount: Int64 = random.pick([3, 20, 1_000, 123_457, 5_000_000_001, 1 << 52])
      return Counter(
        key: SharedKey(
          partition: 7, id: String(repeating: "0", count: 31) + String(index)),
        kind: index % 3, amount: amount,
        capacity: random.pick([amount, max(1, amount / 3), min(amount * 2, 1 << 53 - 1)]),
        period: random.pick([1_000, 60_000, 3_600_000]))
    }
    holders = (0..<Int(random.number(2...5))).map {
      Holder(ledger: String(repeating: "a", count: 31) + String($0), start: 1)
    }
    self.random = random
  }

  /// How the time goes on.
  mutating func step() -> Int64 {
    switch random.number(0...99) {
    case 0: -random.number(1...5_000)
    case 1: random.number(1...2 * Self.day)
    case 2...9: random.number(1_000...70_000)
    default: random.number(0...400)
    }
  }

  mutating func call(at nowMs: Int64) -> (call: StatementCall, holder: Holder, nonce: UInt32) {
    let index = Int(random.number(0...Int64(holders.count - 1)))
    var holder = holders[index]
    if random.chance(0.01) {
      holder = Holder(ledger: holder.ledger, start: holder.start + 1)
      holders[index] = holder
      for counter in counters { said[name(holder, counter)]?.number = 0 }
    }
    if random.chance(0.02) {
      holder = Holder(ledger: holder.ledger, start: max(1, holder.start - 1))
    }
    let count = Int(random.number(0...3))
    let chosen = counters.shuffled(using: &random).prefix(count)
    let statements = chosen.map { statement(of: $0, by: holder, at: nowMs) }
    let call = StatementCall(
      partition: 7, statements: statements, isWhole: random.chance(0.2),
      openingMs: random.chance(0.3) ? random.pick([openingMs, 1]) : nil)
    return (call, holder, random.chance(0.02) ? 2 : 1)
  }

  /// What was answered, as far as the next statements go by it.
  mutating func answered(_ answer: StatementCallAnswer?, to call: StatementCall, by holder: Holder)
  {
    guard let answer, random.chance(0.9) else { return }
    openingMs = answer.openingMs
    for (statement, one) in zip(call.statements, answer.answers) {
      let name = holder.ledger + statement.key.id
      said[name]?.seen = Statement.Seen(sum: max(0, one.sum), atMs: answer.storeMs)
      if one.window.end > 0 { said[name]?.window = one.window }
      if case .granted(let units) = one.outcome { said[name]?.hold += units }
    }
  }

  private func name(_ holder: Holder, _ counter: Counter) -> String {
    holder.ledger + counter.key.id
  }

  private mutating func statement(
    of counter: Counter, by holder: Holder, at nowMs: Int64
  ) -> Statement {
    var last = said[name(holder, counter)] ?? Said()
    last.number += random.chance(0.05) ? -random.number(0...3) : random.number(1...3)
    last.number = max(1, last.number)
    let part = max(1, counter.amount / random.pick([1, 4, 20]))
    let change = random.number(-part...part)
    last.hold = min(1 << 53 - 1, max(counter.kind == 1 ? -part : 0, last.hold + change))
    if random.chance(0.003) { last.hold = 1 << 53 - 1 }
    var shape = Statement.Shape.slots
    var most = last.hold
    if counter.kind == 0 {
      let today = nowMs / Self.day * Self.day
      if last.window == nil || random.chance(0.05) { last.window = (today, today + Self.day) }
      if random.chance(0.01) { last.window = (today, today + random.pick([1, 2]) * Self.day) }
      last.settled = min(last.hold, last.settled + random.number(0...part))
      most = last.hold - last.settled
      shape = .budget(
        start: last.window!.start, end: last.window!.end, settled: last.settled)
    } else if counter.kind == 1 {
      shape = .bucket(capacity: counter.capacity, periodMilliseconds: counter.period)
      most = part
    }
    said[name(holder, counter)] = last
    let need = random.chance(0.5) ? random.number(1...max(1, part / 2)) : 0
    return Statement(
      key: counter.key, shape: shape,
      amount: random.chance(0.1) ? max(1, counter.amount / 2) : counter.amount,
      number: last.number, hold: last.hold, unspent: random.number(0...max(0, most)), need: need,
      want: need + (random.chance(0.5) ? random.number(0...part) : 0), seen: last.seen)
  }
}
