import SeededRandom
import StoreModel
import Terms
import Testing

@testable import Quota

/// Limits of everybody, of a group, of a plan's tenants and of keys over the same requests.
struct LayeredLimitTests {
  @Test(arguments: 0..<150)
  func `limits over the same requests never admit more than the smallest`(seed: Int) {
    var life = LayeredLife(seed: UInt64(seed), isShared: seed % 3 == 0)
    for _ in 0..<300 { life.step() }
    life.end()
  }
}

private struct LayeredLife {
  static let day: Int64 = 86_400_000
  /// Tenants a and b are in the group, c is not. Each has a plan's limit, and its key one.
  static let tenants = ["a", "b", "c"]

  var random: SeededRandom
  var now: Int64 = 1_000 * day
  let rules: [LimitRule]
  var table: QuotaTable
  var sets: [String: LimitSet] = [:]
  /// Of the requests of each tenant: those let through that may still use something, and what is used.
  var open: [(tenant: String, held: Held)] = []
  var used: [String: Int64] = [:]
  let link: StoreLink?

  init(seed: UInt64, isShared: Bool) {
    random = SeededRandom(seed)
    var rules = [
      Limits.budget(
        .tokens, Int64.random(in: 1...3_000, using: &random), name: "x", owner: .global),
      Limits.budget(
        .tokens, Int64.random(in: 1...2_000, using: &random), name: "x", owner: .group("g")),
    ]
    for tenant in Self.tenants {
      rules += [
        Limits.budget(
          .tokens, Int64.random(in: 1...1_500, using: &random), name: "x", owner: .tenant(tenant)),
        Limits.budget(
          .tokens, Int64.random(in: 1...1_000, using: &random), name: "x",
          owner: .key(tenant: tenant, id: "k")),
      ]
    }
    self.rules = rules
    let catalog = LimitCatalog(rules: rules)
    for (index, tenant) in Self.tenants.enumerated() {
      let own = [2 + 2 * index, 3 + 2 * index]
      sets[tenant] = catalog.set([0] + (tenant == "c" ? [] : [1]) + own)
    }
    table = QuotaTable(catalog)
    link = isShared ? StoreLink() : nil
    if let link {
      link.start = 1
      table.share(SharingSettings(), as: link.holder, now: now, bootMs: link.boot(now))
      link.pump(&table, at: now)
    }
  }

  mutating func step() {
    switch Int.random(in: 0...9, using: &random) {
    case 0..<5: ask()
    case 5..<9: settle()
    case _:
      now += Int64.random(in: 0...5_000, using: &random)
      // Another day, when nobody is in.
      if open.isEmpty, Int.random(in: 0...9, using: &random) == 0 {
        now += Self.day
        used = [:]
      }
      link?.pump(&table, at: now)
    }
    expectWithinAll()
  }

  private mutating func ask() {
    let tenant = Self.tenants.randomElement(using: &random)!
    let demand = Demand.stated(
      Int64.random(in: 1...200, using: &random), Int64.random(in: 0...200, using: &random))
    let caller = Caller(tenant: tenant, keyID: "k", subject: "s")
    let left = rules.indices.filter { counts($0, tenant) }.map { room(rules[$0], $0) }.min()!
    let boot = link?.boot(now) ?? 0
    var answer = Answer(
      table.reserve(sets[tenant]!, caller: caller, demand: demand, now: now, bootMs: boot))
    if let asked = answer.ask {
      link?.pump(&table, at: now)
      answer = Answer(
        table.reserve(
          sets[tenant]!, caller: caller, demand: demand, now: now, bootMs: boot, asked: asked))
    }
    if let held = answer.held {
      #expect(demand.promptTokens + demand.completionTokens <= left)
      open.append((tenant, held))
    } else if link == nil {
      #expect(demand.promptTokens + demand.completionTokens > left)
    }
  }

  private mutating func settle() {
    guard !open.isEmpty else { return }
    let (tenant, held) = open.remove(at: Int.random(in: open.indices, using: &random))
    let prompt = Int64.random(in: 0...held.demand.promptTokens, using: &random)
    let output = Int64.random(in: 0...held.demand.completionTokens, using: &random)
    _ = table.settle(held.take(), as: .used(.tokens(prompt, output)), now: now)
    used[tenant, default: 0] += prompt + output
    link?.pump(&table, at: now)
  }

  mutating func end() {
    while !open.isEmpty { settle() }
    expectWithinAll()
  }

  private func counts(_ rule: Int, _ tenant: String) -> Bool {
    switch rules[rule].owner {
    case .global: true
    case .group: tenant != "c"
    case .tenant(let name), .key(let name, _): name == tenant
    case .trafficClass: false
    }
  }

  /// What is left of a limit, by what its tenants have used and may still use.
  private func room(_ rule: LimitRule, _ index: Int) -> Int64 {
    Self.tenants.filter { counts(index, $0) }.reduce(rule.amount) { left, tenant in
      open.filter { $0.tenant == tenant }.reduce(left - used[tenant, default: 0]) {
        $0 - $1.held.demand.promptTokens - $1.held.demand.completionTokens
      }
    }
  }

  private func expectWithinAll() {
    for (index, rule) in rules.enumerated() { #expect(room(rule, index) >= 0, "\(rule.owner)") }
  }
}
