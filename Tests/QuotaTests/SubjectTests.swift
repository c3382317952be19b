import Terms
import Testing

@testable import Quota

struct SubjectTests {
  @Test func `each caller has a counter of their own, by key or by subject`() {
    let rules = [
      Limits.bucket(.requests, 2, name: "key", scope: .key),
      Limits.bucket(.requests, 1, name: "subject", scope: .subject),
      LimitRule.classSlots("batch", amount: 9),
    ]
    let desk = Desk(rules)
    let held = desk.ask(.stated(0, 0), Caller(tenant: "a", keyID: "k", subject: "s"), at: 0).held!
    #expect(
      held.charges.map(\.counter) == [
        "tenant/a/key/key/k", "tenant/a/subject/subject/s", "class/batch/max_concurrent/tenant/a",
      ])
    #expect(desk.use(.stated(0, 0), Caller(tenant: "a", keyID: "k", subject: "t"), at: 0))
    let third = desk.ask(.stated(0, 0), Caller(tenant: "a", keyID: "k", subject: "u"), at: 0)
    #expect(third.refusal?.decisive.rule.name == "key")
    #expect(desk.use(.stated(0, 0), Caller(tenant: "a", keyID: nil, subject: "u"), at: 0))
    _ = desk.settle(held, .nothing, at: 0)
  }

  @Test func `at the bound a new caller is refused until another counter equals a new one`() {
    let rule = Limits.bucket(
      .requests, 60, per: Limits.minute, name: "each", scope: .subject, subjectsMax: 100)
    let desk = Desk([rule])
    for index in 0..<100 { #expect(desk.use(.stated(0, 0), .subject("\(index)"), at: 0)) }
    let refusal = desk.ask(.stated(0, 0), .subject("new"), at: 0).refusal!
    #expect(refusal.failures[0].shortage == .tooManySubjects(waitMilliseconds: 1_000))
    #expect(desk.use(.stated(0, 0), .subject("7"), at: 500))
    #expect(desk.ask(.stated(0, 0), .subject("new"), at: 999).refusal?.waitMilliseconds == 1)
    #expect(desk.use(.stated(0, 0), .subject("new"), at: 1_000))
    // Who asked again at 500 was not full then, and is still known.
    #expect(desk.states(at: 1_000).map(\.counter).contains("tenant/a/each/subject/7"))
    #expect(desk.table.counterCount <= 100)
  }

  @Test func `a counter with an open reservation is never forgotten`() {
    let rule = Limits.bucket(.requests, 60, name: "each", scope: .subject, subjectsMax: 2)
    let desk = Desk([rule, Limits.slots(10)])
    let long = desk.ask(.stated(0, 0), .subject("long"), at: 0).held!
    #expect(desk.use(.stated(0, 0), .subject("short"), at: 0))
    #expect(desk.use(.stated(0, 0), .subject("next"), at: 100_000))
    #expect(desk.ask(.stated(0, 0), .subject("more"), at: 100_000).refusal != nil)
    _ = desk.settle(long, .nothing, at: 100_001)
    #expect(desk.use(.stated(0, 0), .subject("more"), at: 100_001))
  }

  @Test func `a flood of callers costs the bound and no more`() {
    let rule = Limits.bucket(
      .requests, 60, per: Limits.minute, name: "each", scope: .subject, subjectsMax: 1_000)
    let desk = Desk([rule])
    var admitted = 0
    for index in 0..<50_000 {
      if desk.use(.stated(0, 0), .subject("\(index)"), at: Int64(index / 10)) { admitted += 1 }
      #expect(desk.table.counterCount <= 1_000)
    }
    // A counter is busy for a second: 1,000 a second is what the bound lets through.
    #expect(admitted == 5_000)
  }

  @Test(arguments: ["plain", "with/slash", "100%", "%2F", "", "ü/%25"])
  func `a counter's name can be taken apart again`(word: String) {
    let owners: [LimitOwner] = [
      .global, .tenant(word), .key(tenant: word, id: "x" + word), .trafficClass(word),
    ]
    for owner in owners {
      var name = word
      if case .trafficClass = owner { name = CounterName.classLimit }
      for scope in [LimitScope.owner, .tenant, .key, .subject] {
        let scopeValue = scope == .owner ? "" : word
        let counter = CounterName.counter(
          of: CounterName.limit(owner, name), scope: scope, scopeValue: scopeValue)
        #expect(
          CounterName.parts(of: counter)
            == CounterName.Parts(owner: owner, name: name, scope: scope, scopeValue: scopeValue))
      }
    }
  }

  @Test(arguments: [
    "", "global", "tenant/a", "key/a/b", "class/a", "class/a/other", "tenant/a/b/subject",
    "tenant/a/b/thing/c", "tenant/a/b/subject/c/d", "tenant/a%/b", "tenant/a%2f/b", "other/a/b",
  ])
  func `what is no counter's name is none`(name: String) {
    #expect(CounterName.parts(of: name) == nil)
  }
}
