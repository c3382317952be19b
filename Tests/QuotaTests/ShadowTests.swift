import SeededRandom
import Terms
import Testing

@testable import Quota

/// Limits that only count (`mode: "shadow"`).
struct ShadowTests {
  @Test func `what it would refuse is let through, named, and not charged to it`() {
    let desk = Desk([
      Limits.budget(.requests, 5, name: "real"), Limits.budget(.requests, 2, name: "next").shadow,
    ])
    let first = (1...2).map { _ in desk.ask(.stated(1, 1), at: 0).held! }
    #expect(first.map(\.shadowed) == [[], []])
    #expect(first[1].charges.map(\.counter) == ["tenant/a/real", "tenant/a/next"])
    let third = desk.ask(.stated(1, 1), at: 0).held!
    #expect(third.shadowed == ["next"])
    #expect(third.charges.map(\.counter) == ["tenant/a/real"])
    _ = desk.settle(third, .used(.tokens(1, 1)), at: 1)
    #expect(desk.table.reading(ofRule: 0, scopeValue: "", now: 1).used == 1)
    #expect(desk.table.reading(ofRule: 1, scopeValue: "", now: 1).used == 0)
    for held in first { _ = desk.settle(held, .used(.tokens(1, 1)), at: 1) }
    #expect(desk.table.reading(ofRule: 1, scopeValue: "", now: 1).used == 2)
  }

  @Test func `where another limit refuses, nothing is named and nothing charged`() {
    let desk = Desk([
      Limits.budget(.requests, 1, name: "next").shadow, Limits.budget(.tokens, 10, name: "real"),
    ])
    #expect(desk.use(.stated(5, 5), at: 0))
    let before = desk.states(at: 0)
    #expect(desk.ask(.stated(5, 5), at: 0).refusal?.failures.map(\.rule.name) == ["real"])
    #expect(desk.states(at: 0) == before)
  }

  @Test func `it cuts no bound, and is judged by the bound that it would have cut to`() {
    let desk = Desk([Limits.budget(.tokens, 100, name: "next").shadow])
    let held = desk.ask(.unstated(40, 500), at: 0).held!
    #expect(held.demand.completionTokens == 500)
    #expect(held.shadowed == [])
    #expect(held.charges.map(\.amount) == [100])
    let stated = desk.ask(.stated(40, 500), at: 0).held!
    #expect(stated.shadowed == ["next"] && stated.charges.isEmpty)
    _ = desk.settle(held, .used(.tokens(40, 20)), at: 1)
    _ = desk.settle(stated, .used(.tokens(40, 20)), at: 1)
    #expect(desk.table.reading(ofRule: 0, scopeValue: "", now: 1).used == 60)
  }

  @Test func `a caller's headers do not show it`() {
    let desk = Desk([
      Limits.budget(.requests, 2, name: "next").shadow, Limits.budget(.requests, 9, name: "real"),
    ])
    #expect(desk.use(.stated(1, 1), at: 0))
    let shares = desk.table.shares(desk.set, caller: .a, now: 0)
    #expect(shares.requests?.limit == 9 && shares.requests?.remaining == 8)
  }

  @Test func `no room for another subject refuses nobody`() {
    let desk = Desk([
      Limits.budget(.requests, 2, name: "next", scope: .subject, subjectsMax: 1).shadow
    ])
    #expect(desk.use(.stated(1, 1), .subject("x"), at: 0))
    #expect(desk.ask(.stated(1, 1), .subject("y"), at: 0).held.map { taken(desk, $0) } == ["next"])
  }

  private func taken(_ desk: Desk, _ held: Held) -> [String] {
    _ = desk.settle(held, .nothing, at: 0)
    return held.shadowed
  }

  @Test(arguments: [
    Limits.budget(.requests, 3, name: "next"), Limits.bucket(.requests, 3, name: "next"),
    Limits.slots(3, name: "next"),
  ])
  func `to enforce it keeps its count, over a restart too`(rule: LimitRule) throws {
    let desk = Desk([rule.shadow])
    let held = (1...3).map { _ in desk.ask(.stated(1, 1), at: 0).held! }
    let other = Desk([rule.shadow])
    try other.table.restore(desk.states(at: 0))
    let again = held.map { Held(other.table.reopen($0.charges, demand: $0.demand, now: 0)) }
    for (old, desk) in [(held, desk), (again, other)] {
      #expect(desk.ask(.stated(1, 1), at: 0).held.map { taken(desk, $0) } == ["next"])
      desk.configure([rule], now: 0)
      #expect(desk.ask(.stated(1, 1), at: 0).refusal?.failures.count == 1)
      for held in old { _ = desk.settle(held, .nothing, at: 0) }
    }
  }

  @Test(arguments: 0..<120)
  func `a limit that only counts never changes an answer`(seed: Int) {
    var life = ShadowLife(seed: UInt64(seed), isShared: seed % 3 == 0)
    for _ in 0..<200 { life.step() }
    life.end()
  }
}

/// Two tables with the same limits, of which one has limits beside them that only count.
private struct ShadowLife {
  var random: SeededRandom
  var now: Int64 = 1_000_000_000_000
  let plain: Desk
  let shadowed: Desk
  let names: Set<String>
  var open: [(Held, Held)] = []
  /// Each a process of its own with a store of its own.
  var links: [StoreLink] = []

  init(seed: UInt64, isShared: Bool) {
    var random = SeededRandom(seed)
    let amounts = (0..<10).map { _ in Int64.random(in: 1...30, using: &random) }
    func rules(_ prefix: String, _ amounts: [Int64]) -> [LimitRule] {
      [
        Limits.bucket(.requests, amounts[0], per: 1_024, name: prefix + "r"),
        Limits.bucket(.tokens, amounts[1] * 40, per: 4_096, name: prefix + "t", scope: .subject),
        Limits.budget(.completionTokens, amounts[2] * 400, name: prefix + "c"),
        Limits.budget(.usd, amounts[3] * 400_000, name: prefix + "u", owner: .group("g")),
        Limits.slots(amounts[4], name: prefix + "s"),
      ]
    }
    let real = rules("real-", Array(amounts[..<5]))
    let only = rules("only-", Array(amounts[5...])).map(\.shadow)
    names = Set(only.map(\.name))
    plain = Desk(real)
    // Anywhere among the others, whose order says which of several refusals is told.
    var all = real
    for rule in only { all.insert(rule, at: Int.random(in: 0...all.count, using: &random)) }
    shadowed = Desk(all)
    self.random = random
    guard isShared else { return }
    links = [StoreLink(), StoreLink()]
    plain.share(links[0], usesLeases: true, at: now)
    shadowed.share(links[1], usesLeases: true, at: now)
  }

  mutating func step() {
    switch Int.random(in: 0...9, using: &random) {
    case 0..<5: ask()
    case 5..<8: settle()
    case _:
      now += Int64.random(in: 0...3_000, using: &random)
      if Int.random(in: 0...20, using: &random) == 0 { now += 40_000_000 }
      pump()
    }
    let shares = plain.table.shares(plain.set, caller: .a, now: now)
    #expect(shadowed.table.shares(shadowed.set, caller: .a, now: now) == shares)
  }

  private mutating func pump() {
    guard !links.isEmpty else { return }
    links[0].pump(&plain.table, at: now)
    links[1].pump(&shadowed.table, at: now)
  }

  private mutating func ask() {
    let price = Prices(promptNanos: 1_000, completionNanos: 1_000, perRequestNanos: 0)
    let demand = Demand(
      promptTokens: Int64.random(in: 0...120, using: &random),
      completionTokens: Int64.random(in: 0...900, using: &random),
      isBoundStated: Bool.random(using: &random), prices: price)
    let caller = Caller.subject(Bool.random(using: &random) ? "x" : "y")
    let one = plain.ask(demand, caller, at: now)
    let other = shadowed.ask(demand, caller, at: now)
    switch (one, other) {
    case (.held(let one), .held(let other)):
      #expect(one.demand == other.demand)
      #expect(sorted(one.charges) == sorted(other.charges))
      #expect(Set(other.shadowed).isSubset(of: names))
      #expect(other.shadowed.count + other.charges.count == 10)
      open.append((one, other))
    case (.refused(let one), .refused(let other)):
      #expect(one.verdict == other.verdict)
      #expect(Set(one.failures.map(\.rule.name)) == Set(other.failures.map(\.rule.name)))
      #expect(one.decisive.need == other.decisive.need)
    case (.held, _), (.refused, _), (.asks, _):
      Issue.record("the answers differ: \(one), \(other)")
    }
  }

  /// What was charged to the limits that refuse.
  private func sorted(_ charges: [Charge]) -> [Charge] {
    charges.filter { !$0.counter.contains("only-") }.sorted { $0.counter < $1.counter }
  }

  private mutating func settle() {
    guard !open.isEmpty else { return }
    let (one, other) = open.remove(at: Int.random(in: open.indices, using: &random))
    let settlement = Settlement.used(
      .tokens(
        Int64.random(in: 0...one.demand.promptTokens, using: &random),
        Int64.random(in: 0...one.demand.completionTokens, using: &random), nanos: 500_000))
    #expect(
      sorted(plain.settle(one, settlement, at: now))
        == sorted(shadowed.settle(other, settlement, at: now)))
    pump()
  }

  mutating func end() {
    while !open.isEmpty { settle() }
    #expect(
      plain.states(at: now)
        == shadowed.states(at: now).filter { !$0.counter.contains("only-") })
  }
}
