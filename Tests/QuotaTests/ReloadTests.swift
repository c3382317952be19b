import Terms
import Testing

@testable import Quota

struct ReloadTests {
  @Test func `a limit that keeps its name and kind keeps its count under new amounts`() {
    let desk = Desk([
      Limits.bucket(.tokens, 100, name: "tpm"), Limits.budget(.tokens, 1_000, name: "daily"),
    ])
    let open = desk.ask(.stated(20, 30), at: 0).held!
    #expect(desk.use(.stated(5, 5), at: 0))
    desk.configure(
      [Limits.budget(.tokens, 70, name: "daily"), Limits.bucket(.tokens, 80, name: "tpm")], now: 0)
    let states = desk.states(at: 0)
    #expect(states.map { $0["amount"] } == [70, 80])
    #expect(states[0]["used"] == 10)
    #expect(states[0]["reserved"] == 50)
    #expect(states[1]["level"] == 20)
    #expect(desk.ask(.stated(11, 0), at: 0).refusal != nil)
    _ = desk.settle(open, .nothing, at: 0)
    #expect(desk.use(.stated(60, 0), at: 0))
  }

  @Test func `a limit that leaves and comes back has not forgotten`() {
    let rule = Limits.budget(.requests, 2, per: .month)
    let desk = Desk([rule])
    #expect(desk.use(.stated(0, 0), at: 0))
    let open = desk.ask(.stated(0, 0), at: 0).held!
    desk.configure([], now: 1)
    #expect(desk.use(.stated(0, 0), at: 1))
    #expect(desk.settle(open, .used(.tokens(0, 0)), at: 2).count == 1)
    desk.configure([rule], now: 3)
    #expect(desk.states(at: 3)[0]["used"] == 2)
    #expect(desk.ask(.stated(0, 0), at: 3).refusal != nil)
  }

  @Test(arguments: [
    Limits.bucket(.requests, 100, name: "x"), Limits.bucket(.tokens, 100, per: 1_000, name: "x"),
    Limits.budget(.tokens, 100, name: "x"), Limits.slots(100, name: "x"),
    Limits.bucket(.tokens, 100, name: "x", scope: .subject),
  ])
  func `a limit of the same name that counts otherwise begins anew`(rule: LimitRule) {
    let desk = Desk([Limits.bucket(.tokens, 100, name: "x")])
    let open = desk.ask(.stated(50, 40), at: 0).held!
    desk.configure([rule], now: 0)
    #expect(desk.states(at: 0).isEmpty)
    let new = desk.ask(.stated(5, 5), at: 0).held!
    let state = desk.states(at: 0)
    // The place of the freed counter is the new one's now; the old charge must not reach it.
    #expect(desk.settle(open, .used(.tokens(9, 9)), at: 0).isEmpty)
    #expect(desk.states(at: 0) == state)
    _ = desk.settle(new, .nothing, at: 0)
  }

  @Test(arguments: [false, true])
  func `a request that waited for the store meets the limits of today, also where none is left`(
    isAnother: Bool
  ) throws {
    let desk = Desk([Limits.budget(.requests, 1, name: "gone")])
    let start: Int64 = 1_000_000_000_000
    let link = StoreLink()
    desk.share(link, usesLeases: false, at: start)
    for second in 1...12 as ClosedRange<Int64> {
      desk.link?.pump(&desk.table, at: start + second * 1_000)
    }
    let now = start + 13_000
    #expect(desk.use(.stated(0, 0), at: now))
    let boot = link.boot(now)
    let old = desk.set
    let ask = try #require(
      Answer(
        desk.table.reserve(old, caller: .a, demand: .stated(0, 0), now: now, bootMs: boot)
      ).ask)
    link.pump(&desk.table, at: now)
    let other = Limits.budget(.requests, 5, name: "other")
    desk.configure(isAnother ? [other] : [], now: now)
    let answer = Answer(
      desk.table.reserve(
        old, caller: .a, demand: .stated(0, 0), now: now, bootMs: boot, asked: ask))
    let held = try #require(answer.held)
    #expect(held.charges.isEmpty)
    _ = desk.settle(held, .nothing, at: now)
  }

  @Test func `a request under an older policy meets the limits of today`() {
    let kept = Limits.bucket(.requests, 5, name: "kept")
    let desk = Desk([Limits.slots(1, name: "gone"), kept])
    let old = desk.set
    desk.configure([Limits.bucket(.requests, 2, name: "kept")], now: 0)
    let answers = (0..<4).map { _ in
      Answer(desk.table.reserve(old, caller: .a, demand: .stated(0, 0), now: 0))
    }
    #expect(answers.map { $0.held != nil } == [true, true, false, false])
    for held in answers.compactMap(\.held) {
      #expect(held.charges.map(\.counter) == ["tenant/a/kept"])
      _ = desk.settle(held, .nothing, at: 0)
    }
  }
}
