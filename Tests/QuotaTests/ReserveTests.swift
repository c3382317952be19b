import Terms
import Testing

@testable import Quota

struct ReserveTests {
  @Test(arguments: [
    Limits.bucket(.requests, 5), Limits.budget(.requests, 5), Limits.slots(5),
    Limits.bucket(.tokens, 50), Limits.budget(.tokens, 50), Limits.bucket(.promptTokens, 20),
    Limits.budget(.completionTokens, 30), Limits.bucket(.usd, 500), Limits.budget(.usd, 500),
  ])
  func `admits exactly so many at once`(rule: LimitRule) {
    let desk = Desk([rule])
    let price = Prices(promptNanos: 4, completionNanos: 10, perRequestNanos: 24)
    let demand = Demand.stated(4, 6, prices: price)
    let answers = (0..<200).map { _ in desk.ask(demand, at: 0) }
    #expect(answers.compactMap(\.held).count == 5)
    for answer in answers.dropFirst(5) {
      #expect(answer.refusal?.failures.count == 1)
      #expect(answer.refusal?.decisive.rule.kind == rule.kind)
    }
    for held in answers.compactMap(\.held) { _ = desk.settle(held, .undone, at: 0) }
    #expect(desk.states(at: 0).isEmpty)
  }

  @Test func `admits exactly so many on each side of a window's edge`() {
    let midnight: Int64 = 1_700_006_400_000
    let desk = Desk([Limits.budget(.requests, 7)])
    let before = (0..<20).map { _ in desk.use(.stated(1, 1), at: midnight - 1) }
    let after = (0..<20).map { _ in desk.use(.stated(1, 1), at: midnight) }
    #expect(before.filter { $0 }.count == 7)
    #expect(after.filter { $0 }.count == 7)
  }

  @Test func `checks every limit and charges none where one is short`() {
    let rules = [
      Limits.bucket(.requests, 10, name: "rpm"), Limits.bucket(.tokens, 100, name: "tpm"),
      Limits.slots(1),
    ]
    let desk = Desk(rules)
    let first = desk.ask(.stated(40, 40), at: 0).held!
    let state = desk.states(at: 0)
    let refusal = desk.ask(.stated(10, 40), at: 0).refusal!
    #expect(refusal.failures.map(\.rule.name) == ["tpm", "parallel"])
    #expect(
      refusal.failures.map(\.shortage) == [
        .exceeded(waitMilliseconds: 18_000), .exceeded(waitMilliseconds: 1_000),
      ])
    #expect(refusal.verdict == .rateLimited(waitMilliseconds: 18_000))
    #expect(refusal.decisive.rule.name == "tpm")
    #expect(desk.states(at: 0) == state)
    _ = desk.settle(first, .used(.tokens(40, 40)), at: 0)
  }

  @Test func `a stated bound over the capacity never fits, one at it does`() {
    let desk = Desk([Limits.bucket(.tokens, 100, per: Limits.minute), Limits.budget(.usd, 500)])
    #expect(desk.use(.stated(40, 60), at: 0))
    let refusal = desk.ask(.stated(40, 61), at: 0).refusal!
    #expect(refusal.verdict == .neverFits)
    #expect(refusal.waitMilliseconds == nil)
  }

  @Test func `an unstated bound is cut to the tightest limit's capacity in tokens and money`() {
    let price = Prices(promptNanos: 2, completionNanos: 7, perRequestNanos: 10)
    let rules = [
      Limits.bucket(.tokens, 1_000, burst: 500, name: "tpm"),
      Limits.bucket(.completionTokens, 300, name: "out"), Limits.budget(.usd, 1_000),
    ]
    let desk = Desk(rules)
    let held = desk.ask(.unstated(100, 4_096, prices: price), at: 0).held!
    // (1,000 − 10 − 100 × 2) / 7
    #expect(held.demand.completionTokens == 112)
    #expect(held.charges.map(\.amount) == [212, 112, 994])
    // Cut to what could ever fit, not to what is left: nothing is, so it waits.
    let refusal = desk.ask(.unstated(100, 4_096, prices: price), at: 0).refusal!
    #expect(refusal.failures.map(\.rule.name) == ["budget"])
    _ = desk.settle(held, .nothing, at: 0)
  }

  @Test func `a prompt that alone is too much never fits, whatever was stated`() {
    let desk = Desk([Limits.bucket(.tokens, 100)])
    #expect(desk.ask(.unstated(101, 10), at: 0).refusal?.verdict == .neverFits)
    #expect(desk.use(.unstated(100, 10), at: 0) == true)
  }

  @Test func `what needs nothing of a limit is not held up by its debt`() {
    let desk = Desk([Limits.bucket(.completionTokens, 10)])
    let held = desk.ask(.unstated(1, 10), at: 0).held!
    _ = desk.settle(held, .used(.tokens(1, 50)), at: 0)
    #expect(desk.ask(.stated(1, 1), at: 0).refusal != nil)
    #expect(desk.use(.stated(500, 0), at: 0))
  }

  @Test func `settlement beyond the reservation is a debt that later requests wait out`() {
    let desk = Desk([Limits.bucket(.tokens, 60)])
    let held = desk.ask(.stated(30, 30), at: 0).held!
    _ = desk.settle(held, .used(.tokens(30, 60)), at: 0)
    let refusal = desk.ask(.stated(1, 0), at: 0).refusal!
    #expect(refusal.waitMilliseconds == 31_000)
    #expect(desk.ask(.stated(1, 0), at: 30_999).refusal?.waitMilliseconds == 1)
    #expect(desk.use(.stated(1, 0), at: 31_000))
  }

  @Test func `a spent budget says when there is one again`() {
    let day: Int64 = 86_400_000
    let desk = Desk([Limits.budget(.tokens, 100), Limits.bucket(.requests, 1, name: "rpm")])
    let open = desk.ask(.stated(50, 40), at: 10).held!
    // Only reserved: it may come back at any moment. Even so it is not spent.
    let early = desk.ask(.stated(10, 10), at: 60_010).refusal!
    #expect(early.failures[0].shortage == .exceeded(waitMilliseconds: 1_000))
    _ = desk.settle(open, .used(.tokens(50, 40)), at: 60_010)
    let short = desk.ask(.stated(10, 1), at: 60_010).refusal!
    #expect(short.verdict == .rateLimited(waitMilliseconds: day - 60_010))
    #expect(desk.use(.stated(5, 5), at: 60_010))
    let refusal = desk.ask(.stated(1, 0), at: 60_010).refusal!
    #expect(refusal.verdict == .insufficientQuota(waitMilliseconds: day - 60_010))
    #expect(refusal.failures.count == 2)
    #expect(refusal.decisive.rule.name == "budget")
    #expect(desk.ask(.stated(1, 0), at: day - 1).refusal?.waitMilliseconds == 1)
    #expect(desk.use(.stated(1, 0), at: day))
  }

  @Test func `money beyond every integer is refused, not wrapped`() {
    let price = Prices(promptNanos: .max, completionNanos: .max, perRequestNanos: .max)
    let desk = Desk([Limits.budget(.usd, 1_000_000_000_000_000_000)])
    #expect(desk.ask(.stated(.max, .max, prices: price), at: 0).refusal?.verdict == .neverFits)
    #expect(desk.ask(.unstated(1, 1, prices: price), at: 0).refusal?.verdict == .neverFits)
  }

  @Test func `final charges say what replaced each reservation`() {
    let rules = [
      Limits.bucket(.requests, 10, name: "r"), Limits.bucket(.tokens, 100, name: "t"),
      Limits.budget(.usd, 1_000, name: "u"), Limits.slots(4, name: "s"),
      Limits.budget(.requests, 10, name: "d"),
    ]
    let price = Prices(promptNanos: 1, completionNanos: 1, perRequestNanos: 0)
    let cases: [(Settlement, [Int64])] = [
      (.used(.tokens(7, 8, nanos: 9)), [1, 15, 9, 0, 1]), (.requestOnly, [1, 0, 0, 0, 1]),
      (.nothing, [1, 0, 0, 0, 0]), (.undone, [0, 0, 0, 0, 0]),
    ]
    for (settlement, amounts) in cases {
      let desk = Desk(rules)
      let held = desk.ask(.stated(10, 20, prices: price), at: 5).held!
      #expect(held.charges.map(\.amount) == [1, 30, 30, 1, 1])
      #expect(held.charges.map(\.window) == [nil, nil, 0, nil, 0])
      let final = desk.settle(held, settlement, at: 6)
      #expect(final.map(\.amount) == amounts)
      #expect(final.map(\.counter) == ["r", "t", "u", "s", "d"].map { "tenant/a/" + $0 })
      #expect(final.map(\.window) == [nil, nil, 0, nil, 0])
    }
  }

  @Test func `a bucket of requests counts attempts, whatever becomes of them`() {
    let desk = Desk([Limits.bucket(.requests, 3, name: "bucket"), Limits.budget(.requests, 4)])
    for _ in 0..<3 {
      let held = desk.ask(.stated(1, 1), at: 0).held!
      _ = desk.settle(held, .nothing, at: 0)
    }
    let refusal = desk.ask(.stated(1, 1), at: 0).refusal
    #expect(refusal?.failures.map(\.rule.name) == ["bucket"])
    // The budget got each of them back.
    #expect(desk.table.reading(ofRule: 1, scopeValue: "", now: 0).remaining == 4)
    // What never was on record was no attempt.
    let other = Desk([Limits.bucket(.requests, 1)])
    _ = other.settle(other.ask(.stated(1, 1), at: 0).held!, .undone, at: 0)
    #expect(other.use(.stated(1, 1), at: 0))
  }

  @Test func `headers show the tightest of one's own limits`() {
    let rules = [
      Limits.bucket(.requests, 1, name: "all", owner: .global),
      Limits.bucket(.requests, 600, name: "rpm"),
      Limits.bucket(.requests, 60, name: "each", scope: .subject),
      Limits.bucket(.tokens, 1_000, name: "tpm"), Limits.budget(.tokens, 500, name: "daily"),
      Limits.bucket(.promptTokens, 100, name: "prompts"),
    ]
    let desk = Desk(rules)
    let held = desk.ask(.stated(100, 200), at: 0).held!
    let shares = desk.table.shares(desk.set, caller: .a, now: 0)
    #expect(shares.requests == LimitShare(limit: 60, remaining: 59, resetMilliseconds: 1_000))
    #expect(
      shares.tokens == LimitShare(limit: 500, remaining: 200, resetMilliseconds: 86_400_000))
    _ = desk.settle(held, .used(.tokens(100, 2_000)), at: 0)
    let debt = desk.table.shares(desk.set, caller: .a, now: 0)
    // Of the bucket nothing is left either; the budget takes longer to come back.
    #expect(debt.tokens == LimitShare(limit: 500, remaining: 0, resetMilliseconds: 86_400_000))
    #expect(desk.table.reading(ofRule: 1, scopeValue: "", now: 0).remaining == 599)
    let other = desk.table.shares(desk.set, caller: .subject("new"), now: 0)
    #expect(other.requests == LimitShare(limit: 600, remaining: 599, resetMilliseconds: 100))
  }

  @Test func `calls of hosted tools are reserved at the price of the dearest search`() {
    var others = Prices.Others()
    others.perThousandWebSearches = 10_000_000_001
    others.perThousandFileSearches = 2_500_000_000
    let searched = Prices(standard: Prices.Rates(tokens: TokenPrices([:])), others: others)
    func nanos(_ prices: Prices, _ calls: Int64) -> Int64 {
      Demand(
        promptTokens: 9, completionTokens: 9, isBoundStated: true, prices: prices, toolCalls: calls
      ).nanoDollars
    }
    #expect(nanos(searched, 0) == 0)
    #expect(nanos(searched, 1) == 10_000_001)
    #expect(nanos(searched, 1_000) == 10_000_000_001)
    #expect(nanos(searched, 1 << 31) == 21_474_836_482_147_484)
    #expect(nanos(.free, 1 << 31) == 0)
  }
}
