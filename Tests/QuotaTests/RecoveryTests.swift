import Terms
import Testing

@testable import Quota

struct RecoveryTests {
  @Test func `a checkpoint says all there is to know, in integers by name`() throws {
    let desk = Desk([
      Limits.bucket(.tokens, 7, per: 60_000, burst: 100, name: "t"),
      Limits.budget(.usd, 500, per: .week, name: "u"), Limits.slots(3, name: "s"),
    ])
    let price = Prices(promptNanos: 1, completionNanos: 1, perRequestNanos: 0)
    let monday: Int64 = 345_600_000
    let held = desk.ask(.stated(60, 20, prices: price), at: monday).held!
    let states = desk.states(at: monday + 1)
    #expect(states.map(\.counter) == ["tenant/a/s", "tenant/a/t", "tenant/a/u"])
    #expect(states.map(\.kind) == [.concurrent, .tokens, .usd])
    let fields = states.map { $0.fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
    #expect(
      fields == [
        "amount=3 held=1 open=1",
        "amount=7 capacity=100 period=60000 level=20 fraction=7 time=345600001 open=1",
        "amount=500 unit=1 window=345600000 end=950400000 used=0 reserved=80 open=1",
      ])
    let other = Desk(desk.set.rules)
    try other.table.restore(states)
    #expect(other.states(at: monday + 1) == states)
    let again = Held(
      other.table.reopen(held.charges, demand: held.demand, now: monday + 2))
    #expect(
      other.settle(again, .used(.tokens(1, 2, nanos: 3)), at: monday + 2)
        == desk.settle(held, .used(.tokens(1, 2, nanos: 3)), at: monday + 2))
    #expect(other.states(at: monday + 3) == desk.states(at: monday + 3))
  }

  @Test func `a debt and its fraction survive`() throws {
    let desk = Desk([Limits.bucket(.tokens, 7, per: 60_000)])
    let held = desk.ask(.stated(1, 1), at: 0).held!
    _ = desk.settle(held, .used(.tokens(10, 10)), at: 11)
    let states = desk.states(at: 12)
    #expect(states[0]["level"]! < 0)
    #expect(states[0]["fraction"]! > 0)
    let other = Desk(desk.set.rules)
    try other.table.restore(states)
    #expect(other.states(at: 5_000) == desk.states(at: 5_000))
  }

  @Test func `restored counters go under today's amounts`() throws {
    let desk = Desk([Limits.bucket(.tokens, 100, name: "x"), Limits.slots(5, name: "gone")])
    let held = desk.ask(.stated(30, 30), at: 0).held!
    let states = desk.states(at: 0)
    let other = Desk([Limits.bucket(.tokens, 80, name: "x")])
    try other.table.restore(states)
    let open = Held(other.table.reopen(held.charges, demand: held.demand, now: 0))
    other.table.configure(other.set.catalog, now: 0)
    #expect(other.states(at: 0).map { $0["amount"] } == [5, 80])
    #expect(other.settle(open, .used(.tokens(30, 30)), at: 0).count == 2)
    #expect(other.states(at: 0).map { $0["level"] } == [20])
    _ = desk.settle(held, .nothing, at: 0)
  }

  @Test func `a restored count of another kind does not leak into the limit of today`() throws {
    let old = Desk([Limits.bucket(.tokens, 100, name: "x")])
    let held = old.ask(.stated(30, 30), at: 0).held!
    let desk = Desk([Limits.bucket(.requests, 5, name: "x")])
    try desk.table.restore(old.states(at: 0))
    desk.table.replayCompletion(
      reserved: held.charges, final: old.settle(held, .used(.tokens(40, 40)), at: 0), now: 0)
    desk.table.configure(desk.set.catalog, now: 0)
    #expect(desk.states(at: 0).isEmpty)
    #expect((0..<9).filter { _ in desk.use(.stated(0, 0), at: 0) }.count == 5)
  }

  /// Windows go by the store's time, and a replica's clock may be a minute before or behind it.
  @Test(arguments: [-30_000, 30_000, 90_000] as [Int64], [Int64(0), 86_400_000])
  func `what was used in a window is found again, whatever the replica's clock was`(
    ahead: Int64, before: Int64
  ) {
    let midnight: Int64 = 1_799_020_800_000
    let desk = Desk([Limits.budget(.tokens, 100, name: "n")])
    for window in [midnight - 86_400_000, midnight] {
      // At the very start of the window, or at its end.
      let now = (ahead < 0 ? window : window + 86_399_999) + ahead
      for _ in 0..<2 {
        let charges = [Charge(counter: "tenant/a/n", amount: 9, window: window)]
        desk.table.replayAdmission(charges, now: now)
        let final = [Charge(counter: "tenant/a/n", amount: 7, window: window)]
        desk.table.replayCompletion(reserved: charges, final: final, now: now)
      }
    }
    let states = desk.states(at: midnight + 1 - before)
    #expect(states.map { $0["used"] } == [14])
    #expect(states.map { $0["reserved"] } == [0])
  }

  /// Records are outside input, too: as many windows as they name are not kept.
  @Test func `records of many windows leave few behind`() {
    let day: Int64 = 86_400_000
    let now = 20_821 * day
    let desk = Desk([Limits.budget(.tokens, 100, name: "n")])
    desk.table.clockRuns(since: now)
    for back in 1...50 as ClosedRange<Int64> {
      let charges = [Charge(counter: "tenant/a/n", amount: 9, window: now - back * day)]
      desk.table.replayAdmission(charges, now: now)
      desk.table.replayCompletion(reserved: charges, final: charges, now: now)
    }
    guard case .budget(let budget) = desk.table.counters[0].count else {
      Issue.record("it is a budget")
      return
    }
    #expect(budget.left.map(\.window.start) == [4, 3, 2, 1].map { now - $0 * day })
  }

  static let good = [
    "amount": Int64(10), "capacity": 10, "period": 1_000, "level": 3, "fraction": 0, "time": 5,
    "open": 0,
  ]

  @Test(
    arguments: [
      ("amount", nil), ("amount", 0), ("level", 11), ("fraction", 1_000), ("fraction", -1),
      ("period", 0), ("capacity", 0), ("open", -1), ("open", nil), ("level", Int64.min),
      ("time", nil),
    ] as [(String, Int64?)])
  func `a state that no table wrote is refused`(field: String, value: Int64?) throws {
    func state(_ fields: [String: Int64]) -> CounterState {
      CounterState(
        counter: "tenant/a/limit", kind: .tokens,
        fields: fields.map { CounterState.Field($0.key, $0.value) })
    }
    let desk = Desk([Limits.bucket(.tokens, 10, per: 1_000)])
    try desk.table.restore([state(Self.good)])
    var bad = Self.good
    bad[field] = value
    let other = Desk([Limits.bucket(.tokens, 10, per: 1_000)])
    #expect(throws: RecoveryError.malformedState(counter: "tenant/a/limit")) {
      try other.table.restore([state(bad)])
    }
    let twice = Desk([])
    #expect(throws: RecoveryError.repeatedState(counter: "tenant/a/limit")) {
      try twice.table.restore([state(Self.good), state(Self.good)])
    }
  }

  @Test func `a reservation that nobody settles is a bug that shows`() async {
    await #expect(processExitsWith: .failure) {
      var table = QuotaTable(LimitCatalog(rules: []))
      let set = LimitCatalog(rules: []).set([])
      _ = table.reserve(set, caller: .a, demand: .stated(0, 0), now: 0)
    }
  }
}
