import SeededRandom
import Terms
import Testing

@testable import Quota

/// `raises`: what a budget gives more between two instants.
struct RaiseTests {
  private static let day: Int64 = 86_400_000

  private func desk(_ amount: Int64, _ raises: Raise...) -> Desk {
    Desk([Limits.budget(.tokens, amount, name: "b").with(raises: raises)])
  }

  private func fits(_ desk: Desk, _ need: Int64, at now: Int64) -> Bool {
    guard let held = desk.ask(.stated(need, 0), at: now).held else { return false }
    _ = desk.settle(held, .undone, at: now)
    return true
  }

  @Test func `it begins and ends at its millisecond`() {
    let desk = desk(100, Raise(add: 50, fromMs: 5_000, untilMs: 9_000))
    #expect(!fits(desk, 101, at: 4_999) && fits(desk, 100, at: 4_999))
    #expect(fits(desk, 150, at: 5_000) && !fits(desk, 151, at: 5_000))
    #expect(fits(desk, 150, at: 8_999))
    #expect(!fits(desk, 101, at: 9_000) && fits(desk, 100, at: 9_000))
  }

  @Test func `what was used while it lasted stays used, and the next window has it again`() {
    let desk = desk(100, Raise(add: 50, fromMs: Self.day - 10, untilMs: 2 * Self.day - 10))
    #expect(desk.use(.stated(140, 0), at: Self.day - 5))
    #expect(fits(desk, 10, at: Self.day - 1) && !fits(desk, 11, at: Self.day - 1))
    // It touches the next day: it adds to that day's amount, too.
    #expect(fits(desk, 150, at: Self.day))
    #expect(desk.use(.stated(120, 0), at: Self.day))
    let after = desk.table.reading(ofRule: 0, scopeValue: "", now: 2 * Self.day - 10)
    #expect((after.used, after.remaining, after.capacity) == (120, 0, 100))
    guard
      case .insufficientQuota(let wait)? = desk.ask(.stated(1, 0), at: 2 * Self.day - 10)
        .refusal?.verdict
    else {
      Issue.record("the budget is spent")
      return
    }
    #expect(wait == 10)
  }

  @Test func `a refusal names what is given now, and waits for a raise that will do`() {
    let desk = desk(
      100, Raise(add: 10, fromMs: 4_000, untilMs: 9_000),
      Raise(add: 50, fromMs: 6_000, untilMs: 9_000))
    #expect(desk.use(.stated(100, 0), at: 0))
    let spent = desk.ask(.stated(20, 0), at: 1_000).refusal
    #expect(spent?.verdict == .insufficientQuota(waitMilliseconds: 5_000))
    #expect(spent?.decisive.amount == 100)
    #expect(
      desk.ask(.stated(5, 0), at: 1_000).refusal?.verdict
        == .insufficientQuota(waitMilliseconds: 3_000))
    #expect(
      desk.ask(.stated(70, 0), at: 1_000).refusal?.verdict
        == .insufficientQuota(waitMilliseconds: Self.day - 1_000))
    #expect(desk.ask(.stated(20, 0), at: 4_000).refusal?.decisive.amount == 110)
    // More than any time of the window gives never fits; less does, later.
    #expect(desk.ask(.stated(161, 0), at: 1_000).refusal?.verdict == .neverFits)
    #expect(desk.ask(.stated(160, 0), at: 9_000).refusal?.verdict == .neverFits)
    #expect(desk.ask(.stated(160, 0), at: 1_000).refusal?.verdict != .neverFits)
  }

  @Test func `a bound that is ours to set is cut to what the window gives now`() {
    let desk = desk(100, Raise(add: 50, fromMs: 5_000, untilMs: 9_000))
    for (time, output) in [(4_999, 60), (5_000, 110), (9_000, 60)] as [(Int64, Int64)] {
      let held = desk.ask(.unstated(40, 900), at: time).held!
      #expect(held.demand.completionTokens == output, "\(time)")
      _ = desk.settle(held, .undone, at: time)
    }
  }

  @Test func `a reload may raise, and take the raise away, without losing counts`() throws {
    let desk = desk(100)
    #expect(desk.use(.stated(90, 0), at: 0))
    let raised = Limits.budget(.tokens, 100, name: "b")
      .with(raises: [Raise(add: 50, fromMs: 0, untilMs: 9_000)])
    desk.configure([raised], now: 1)
    #expect(desk.use(.stated(55, 0), at: 1))
    #expect(desk.table.reading(ofRule: 0, scopeValue: "", now: 2).remaining == 5)
    let other = Desk([raised])
    try other.table.restore(desk.states(at: 2))
    other.table.configure(other.set.catalog, now: 2)
    #expect(other.table.reading(ofRule: 0, scopeValue: "", now: 2).remaining == 5)
    desk.configure([Limits.budget(.tokens, 100, name: "b")], now: 2)
    let after = desk.table.reading(ofRule: 0, scopeValue: "", now: 2)
    #expect((after.used, after.remaining) == (145, 0))
  }

  @Test(arguments: 0..<60)
  func `at every instant a budget gives its amount and what its raises add`(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    let raises = (0..<4).map { _ in
      let from = Int64.random(in: 0...4 * Self.day, using: &random)
      return Raise(
        add: Int64.random(in: 1...80, using: &random), fromMs: from,
        untilMs: from + Int64.random(in: 1...2 * Self.day, using: &random))
    }
    let desk = Desk([Limits.budget(.tokens, 100, name: "b").with(raises: raises)])
    let edges = raises.flatMap { [$0.fromMs, $0.untilMs] }
    let times =
      edges.flatMap { [$0 - 1, $0, $0 + 1] }
      + (0..<40).map { _ in Int64.random(in: 0...6 * Self.day, using: &random) }
    var used: [Int64: Int64] = [:]
    for time in times.sorted() where time >= 0 {
      let given = raises.reduce(Int64(100)) {
        $1.fromMs <= time && time < $1.untilMs ? $0 + $1.add : $0
      }
      let left = max(0, given - used[time / Self.day, default: 0])
      #expect(!fits(desk, left + 1, at: time), "\(time)")
      if left > 0 { #expect(fits(desk, left, at: time), "\(time)") }
      let need = Int64.random(in: 0...max(1, left / 2), using: &random)
      if need <= left, desk.use(.stated(need, 0), at: time) {
        used[time / Self.day, default: 0] += need
      }
    }
  }

  @Test func `sums of raises stop at the largest number`() {
    let raises = [
      Raise(add: .max, fromMs: 0, untilMs: 10), Raise(add: .max, fromMs: 0, untilMs: 10),
    ]
    #expect(raises.amount(1, at: 5) == .max)
    #expect(raises.nextEdge(after: 0) == 10 && raises.nextEdge(after: 10) == nil)
  }
}
