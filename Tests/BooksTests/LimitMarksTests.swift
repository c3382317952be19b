import Inference
import Ledger
import Policy
import Quota
import Terms
import Testing

@testable import Books

/// What limits tell without refusing anybody: shadow limits, shares that were reached.
@Suite(.timeLimit(.minutes(2))) struct LimitMarksTests {
  private static let policy = TestBooks.policy.replacing(
    #"{ name: "rpd", requests: 3, per: "day" }"#,
    with: #"""
      { name: "rpd", requests: 30, per: "day" },
      { name: "next", requests: 2, per: "day", mode: "shadow" },
      { name: "warned", tokens: 1000, per: "day", warn_at: [0.2, 0.5] }
      """#)

  private static func usage(_ prompt: Int, _ completion: Int) -> MeteredUsage {
    var usage = MeteredUsage()
    (usage.source, usage.prompt, usage.completion) = (.reported, prompt, completion)
    return usage
  }

  private func use(_ test: TestBooks, _ name: String, _ tokens: Int) throws {
    let open = try test.open(name)
    _ = test.books.settle(
      open, as: .backendAnswer(status: 200, isWhole: true), metered: Self.usage(tokens, 0))
  }

  private func thresholds(_ records: [LedgerRecord.Body]) -> [String] {
    records.compactMap { if case .threshold(let one) = $0 { one.share.description } else { nil } }
  }

  @Test func `a shadow limit's refusals are on record, counted, and told by subject`() throws {
    let test = try TestBooks(policy: Self.policy)
    for name in ["one", "two", "three", "four"] { try use(test, name, 10) }
    #expect(
      test.books.shadowCounts == [LimitCount(tenant: "a", limit: "next", count: 2)])
    let states = test.books.limitStates(ofTenants: ["a"])[0]
    let shadow = try #require(states.first { $0.name == "next" }?.shadow)
    #expect(shadow.count == 2)
    #expect(shadow.callers == [.init(tenant: "a", subject: "s", count: 2)])
    #expect(states.first { $0.name == "next" }?.used == 2)
    #expect(states.filter { $0.name != "next" }.allSatisfy { $0.shadow == nil })
    #expect(test.close())
    let named = try test.records().compactMap { body in
      if case .admission(let admission) = body { admission.shadowLimits } else { nil }
    }
    #expect(named == [[], [], ["next"], ["next"]])
  }

  @Test func `a share that is reached is recorded behind its completion, counted, and told once`()
    throws
  {
    let test = try TestBooks(policy: Self.policy)
    try use(test, "one", 199)
    #expect(test.books.untoldThresholds().isEmpty)
    try use(test, "two", 1)
    let told = test.books.untoldThresholds()
    #expect(told.map(\.share.description) == ["0.2"])
    #expect(told[0].tenant == "a" && told[0].group == nil && told[0].limit == "warned")
    #expect(told[0].used == 200 && told[0].amount == 1_000 && told[0].kind == .tokens)
    #expect(test.books.untoldThresholds().isEmpty)
    try use(test, "three", 100)
    #expect(
      test.books.thresholdCounts
        == [LimitCount(tenant: "a", limit: "warned", share: WarningShare("0.2"), count: 1)])
    let warned = test.books.limitStates(ofTenants: ["a"])[0].first { $0.name == "warned" }
    #expect(warned?.warned == WarningShare("0.2"))
    #expect(test.close())
    let records = try test.records()
    #expect(thresholds(records) == ["0.2"])
    let index = try #require(records.firstIndex { if case .threshold = $0 { true } else { false } })
    if case .completion(let completion) = records[index - 1] {
      #expect(completion.requestID == "two")
    } else {
      Issue.record("a completion stands before it")
    }
  }

  @Test func `a restart and a reload tell nothing again`() throws {
    let test = try TestBooks(policy: Self.policy)
    try use(test, "one", 300)
    #expect(test.books.untoldThresholds().count == 1)
    // Once from the record alone, once from a checkpoint.
    #expect(test.close())
    let second = try TestBooks(test.files, policy: Self.policy)
    try use(second, "two", 10)
    second.books.use(second.limits, ProcessEvent(policy: "p", version: "v"))
    try use(second, "three", 10)
    #expect(second.close())
    let third = try TestBooks(test.files, policy: Self.policy)
    try use(third, "four", 10)
    #expect(third.books.untoldThresholds().isEmpty)
    try use(third, "five", 200)
    #expect(third.books.untoldThresholds().map(\.share.description) == ["0.5"])
    #expect(third.close())
    #expect(thresholds(try third.records()) == ["0.2", "0.5"])
  }

  @Test func `more shadow limits than are kept apart are counted together`() {
    var marks = LimitMarks()
    let rule = LimitRule(
      owner: .tenant("t"), name: "l", kind: .requests, amount: 1, window: .calendar(.day),
      isShadow: true)
    for index in 0..<(LimitMarks.pairsMax + 3) {
      marks.wouldRefuse([rule], Caller(tenant: "t\(index)", keyID: nil, subject: "s"))
    }
    let counts = marks.shadowCounts
    #expect(counts.count == LimitMarks.pairsMax + 1)
    #expect(counts.first { $0.tenant == "other" }?.count == 3)
    for index in 0..<(LimitMarks.callersMax + 5) {
      marks.wouldRefuse([rule], Caller(tenant: "t0", keyID: nil, subject: "x\(index)"))
    }
    let shadow = marks.shadow(.tenant("t"), "l")
    #expect(shadow.count == Int64(LimitMarks.pairsMax + LimitMarks.callersMax + 5))
    #expect(shadow.callers.count == ShadowCount.callersMax)
  }

  @Test func `limits of one name are one series`() {
    var marks = LimitMarks()
    let rules = [LimitOwner.tenant("t"), .key(tenant: "t", id: "k")].map {
      LimitRule(
        owner: $0, name: "l", kind: .requests, amount: 1, window: .calendar(.day), isShadow: true)
    }
    marks.wouldRefuse(rules, Caller(tenant: "t", keyID: "k", subject: "s"))
    #expect(marks.shadowCounts == [LimitCount(tenant: "t", limit: "l", count: 2)])
    #expect(marks.shadow(.tenant("t"), "l").count == 1)
  }
}
