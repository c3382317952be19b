import Terms
import Testing

@testable import Quota

/// `warn_at`: shares of a budget that its settled use comes to.
struct WarningTests {
  private static let day: Int64 = 86_400_000
  private static let rule = Limits.budget(.tokens, 1_000, name: "b").with(warnAt: [800, 500, 1_000])

  private func settle(_ desk: Desk, _ tokens: Int64, at now: Int64) -> [ReachedShare] {
    _ = desk.use(.stated(tokens, 0), at: now)
    let reached = desk.table.takeReached()
    for one in reached { desk.table.told(one) }
    return reached
  }

  @Test func `each share is told once in a window, with use and amount`() {
    let desk = Desk([Self.rule])
    #expect(settle(desk, 499, at: 0).isEmpty)
    let first = settle(desk, 1, at: 5)
    #expect(first.map(\.share.description) == ["0.5"])
    #expect(first[0].used == 500 && first[0].amount == 1_000)
    #expect(first[0].counter == "tenant/a/b")
    #expect(first[0].windowStartMs == 0 && first[0].windowEndMs == Self.day)
    #expect(settle(desk, 100, at: 6).isEmpty)
    #expect(settle(desk, 400, at: 7).map(\.share.description) == ["1"])
    #expect(settle(desk, 1, at: 8).isEmpty)
    #expect(settle(desk, 850, at: Self.day).map(\.share.description) == ["0.8"])
  }

  @Test func `what is only reserved is not told`() {
    let desk = Desk([Self.rule])
    let held = desk.ask(.stated(900, 0), at: 0).held!
    #expect(desk.table.takeReached().isEmpty)
    _ = desk.settle(held, .nothing, at: 1)
    #expect(desk.table.takeReached().isEmpty)
  }

  @Test func `what is not on record is found again`() {
    let desk = Desk([Self.rule])
    _ = desk.use(.stated(500, 0), at: 0)
    #expect(desk.table.takeReached().count == 1)
    _ = desk.use(.stated(1, 0), at: 1)
    #expect(desk.table.takeReached().count == 1)
  }

  @Test func `restarts and reloads tell nothing twice`() throws {
    let desk = Desk([Self.rule])
    #expect(settle(desk, 600, at: 0).count == 1)
    desk.configure([Limits.budget(.tokens, 1_100, name: "b").with(warnAt: [500])], now: 1)
    #expect(settle(desk, 1, at: 1).isEmpty)
    // From the checkpoint alone, and from the record behind an older one.
    let other = Desk([Self.rule])
    try other.table.restore(desk.states(at: 2))
    other.table.configure(other.set.catalog, now: 2)
    #expect(settle(other, 1, at: 2).isEmpty)
    let older = Desk([Self.rule])
    let held = older.ask(.stated(600, 0), at: 0).held!
    let replayed = Desk([Self.rule])
    replayed.table.replayAdmission(held.charges, now: 0)
    replayed.table.replayCompletion(
      reserved: held.charges, final: older.settle(held, .used(.tokens(600, 0)), at: 0), now: 0)
    #expect(replayed.table.takeReached().isEmpty)
    replayed.table.told(
      counter: "tenant/a/b", WarningShare(thousandths: 500), windowStartMs: 0)
    #expect(settle(replayed, 1, at: 2).isEmpty)
    #expect(settle(replayed, 300, at: 3).map(\.share.description) == ["0.8"])
  }

  @Test func `a window that is found again was told of before`() {
    let desk = Desk([Self.rule])
    #expect(settle(desk, 600, at: 0).count == 1)
    desk.table.step(from: 5, to: Self.day + 5)
    #expect(settle(desk, 500, at: Self.day + 5).count == 1)
    desk.table.step(from: Self.day + 6, to: 10)
    #expect(settle(desk, 1, at: 10).isEmpty)
  }

  @Test func `a raise's amount counts while it lasts`() {
    let rule = Limits.budget(.tokens, 1_000, name: "b")
      .with(raises: [Raise(add: 1_000, fromMs: 0, untilMs: 100)], warnAt: [500])
    let desk = Desk([rule])
    #expect(settle(desk, 900, at: 0).isEmpty)
    let reached = settle(desk, 1, at: 100)
    #expect(reached.map(\.amount) == [1_000])
  }

  @Test func `a share is a decimal number from a thousandth to one`() {
    for (text, thousandths) in [("0.8", 800), ("1", 1_000), ("0.001", 1), ("1.0", 1_000)] {
      #expect(WarningShare(text)?.thousandths == Int64(thousandths), "\(text)")
    }
    for text in ["0", "1.001", "0.0001", "-0.5", "", "80%", "1e-1"] {
      #expect(WarningShare(text) == nil, "\(text)")
    }
    #expect(WarningShare(thousandths: 800).isReached(.max, of: .max))
    #expect(!WarningShare(thousandths: 800).isReached(799, of: 1_000))
  }
}
