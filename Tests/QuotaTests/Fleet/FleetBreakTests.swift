import Terms
import Testing

@testable import Quota

/// Each leaves out one rule of sharing, and the fleet must be seen to exceed a limit. What no test
/// misses would not be missed in the product either.
struct FleetBreakTests {
  /// The life in which it shows.
  private static func plan(_ broken: FleetBreak) -> FleetPlan {
    var plan = FleetPlan()
    plan.rules = [Limits.budget(.tokens, 1_000, name: "daily")]
    plan.usesAll = true
    switch broken {
    case .budgetSlicesReturnByTime: plan.isFleetBad = true
    case .noOpening, .masterAgainIsTheSame: plan.isStoreBad = true
    case .noNumbers: plan.isNetworkBad = true
    case .lateAnswersCount:
      plan.isNetworkBad = true
      plan.isSkewed = true
    case .refillsOverSlices:
      // Full within a second, and heaps that take all of it at once while others have slices.
      plan.rules = [Limits.bucket(.tokens, 1_000, per: 1_000)]
      plan.everyMs = 150
      plan.heaps = 20...60
    case .holdersByName: break
    }
    return plan
  }

  private static let seeds = 0..<120

  @Test(arguments: FleetBreak.allCases.filter { $0 != .lateAnswersCount })
  func `a rule that is left out lets limits be exceeded`(broken: FleetBreak) {
    var plan = Self.plan(broken)
    plan.broken = broken
    let seen = Self.seeds.first { !FleetTests.live(plan, seed: $0).truth.problems.isEmpty }
    #expect(seen != nil, "nothing shows that the rule is missing")
    print("\(broken): seen in life \(seen ?? -1)")
    plan.broken = nil
    let kept = FleetTests.live(plan, seed: seen ?? 0).truth.problems
    #expect(kept.isEmpty, "the same life with the rule: \(kept.prefix(3))")
  }

  /// By hand, because it takes a grant that nobody waits for any more, and another who takes it.
  @Test(arguments: [false, true])
  func `an answer whose connection was lost would give a grant twice if it counted`(
    lateAnswersCount: Bool
  ) throws {
    let now: Int64 = 1_000_000_000_000
    let server = StoreLink.Server()
    let (one, other) = (StoreLink(server, ledger: 1), StoreLink(server, ledger: 2))
    let desk = Desk([Limits.budget(.tokens, 100)])
    let rival = Desk([Limits.budget(.tokens, 100)])
    desk.share(one, usesLeases: true, at: now)
    rival.share(other, usesLeases: true, at: now)
    let boot = one.boot(now)
    let asked = Answer(
      desk.table.reserve(
        desk.set, caller: .a, demand: .stated(60, 0), now: now, bootMs: boot))
    let first = try #require(desk.table.callsDue(bootMs: boot).first)
    let late = one.answer(first.call, at: now)
    desk.table.unanswered(first.id, bootMs: boot)
    desk.table.withdraw(try #require(asked.ask), bootMs: boot)
    let second = try #require(desk.table.callsDue(bootMs: boot + 50).first)
    let answer = one.answer(second.call, at: now + 50)
    #expect(rival.use(.stated(100, 0), at: now + 50))
    desk.table.answered(
      lateAnswersCount ? second.id : first.id, late, bootMs: one.boot(now + 60))
    desk.table.answered(second.id, answer, bootMs: one.boot(now + 60))
    #expect(desk.use(.stated(60, 0), at: now + 60) == lateAnswersCount)
  }
}
