import Terms
import Testing

@testable import Quota

/// What sharing costs, and how much of a limit a fleet gets.
struct FleetLoadTests {
  @Test(arguments: [2, 10, 50])
  func `under even load nearly all of a limit is admitted before the first refusal`(
    replicas: Int
  ) {
    for (seed, rule) in [
      Limits.budget(.tokens, 10_000, name: "daily"),
      Limits.budget(.tokens, 100_000, name: "daily"),
    ].enumerated() {
      var plan = FleetPlan()
      plan.replicas = replicas
      plan.rules = [rule]
      plan.tokensMost = 10
      plan.everyMs = rule.amount == 10_000 ? 10 : 2
      plan.settings = SharingSettings()
      plan.usesAll = true
      let fleet = Fleet(plan, seed: UInt64(seed))
      fleet.load()
      while fleet.admittedAtFirstRefusal == nil, fleet.nowMs < plan.startMs + 120_000 {
        fleet.run(forMs: 100)
      }
      let share = Double(fleet.admittedAtFirstRefusal ?? 0) / Double(rule.amount)
      print(
        "\(replicas) replicas, \(rule.amount) tokens: \(share) before the first refusal,"
          + " \(fleet.calls) calls for \(fleet.admitted) admissions")
      #expect(share >= 0.97)
      fleet.rest()
      #expect(fleet.expectRest().isEmpty)
    }
  }

  @Test(arguments: [true, false])
  func `a caller over its limit costs few statements, not one a request`(usesLeases: Bool) {
    for rule in [
      Limits.budget(.tokens, 100), Limits.bucket(.tokens, 100, per: 3_600_000), Limits.slots(3),
    ] {
      var plan = FleetPlan()
      plan.replicas = 1
      plan.rules = [rule]
      plan.settings.usesLeases = usesLeases
      plan.lastsMs = 60_000
      plan.lastsLeastMs = 60_000
      let fleet = Fleet(plan, seed: 1)
      fleet.run(forMs: 3_500)
      for _ in 0..<2_000 {
        fleet.request(on: fleet.replicas[0], tokens: 10)
        fleet.run(forMs: 1)
      }
      let before = fleet.statements
      for _ in 0..<5_000 {
        fleet.request(on: fleet.replicas[0], tokens: 10)
        fleet.run(forMs: 1)
      }
      let statements = fleet.statements - before
      print("\(rule.name), leases \(usesLeases): \(statements) statements in 5 s, 5000 requests")
      // One at each end of the five seconds.
      #expect(statements <= 5 * (rule.kind == .concurrent ? 40 : 10) + 1)
      fleet.isCalm = true
      fleet.run(forMs: 80_000)
      #expect(fleet.expectRest().isEmpty)
    }
  }

  @Test func `a thousand replicas keep every limit`() {
    var plan = FleetPlan()
    plan.replicas = 1_000
    plan.rules = [
      Limits.budget(.tokens, 14_000, name: "daily"),
      Limits.bucket(.tokens, 10_000, per: 10_000, name: "tpm"), Limits.slots(1_500),
    ]
    plan.everyMs = 2
    plan.lengthMs = 8_000
    plan.presenceMs = 100_000
    plan.isNetworkBad = true
    plan.settings = SharingSettings(leaseMilliseconds: 3_000)
    let fleet = Fleet(plan, seed: 3)
    fleet.load()
    fleet.run(forMs: plan.lengthMs)
    fleet.rest()
    print(
      "1000 replicas: \(fleet.admitted) admitted, \(fleet.refused) refused,"
        + " \(fleet.unavailable) unavailable, \(fleet.calls) calls, refused by \(fleet.refusedBy),"
        + " settled \(fleet.truth.settled)")
    let problems = fleet.expectRest()
    #expect(problems.isEmpty, "\(problems.prefix(5))")
    #expect(fleet.refusedBy["tenant/a/daily"] ?? 0 > 0)
    #expect(fleet.refusedBy["tenant/a/tpm"] ?? 0 > 0)
  }
}
