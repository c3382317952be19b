import Terms
import Testing

@testable import Policy

/// `max_admissions_per_second`: a limit of that name on a tenant's requests.
@Suite struct AdmissionRateTests {
  private static func sketch(_ more: String) -> String { Sketch(moreTenant: ", " + more).text }

  @Test(arguments: [1, 50, 1_000_000_000_000] as [Int64])
  func `it is a limit on everything that the tenant asks for`(amount: Int64) throws {
    let policy = try #require(load(Self.sketch("max_admissions_per_second: \(amount)")).policy)
    let limit = try #require(policy.tenant("t")?.limits.last)
    #expect(limit.name == "max_admissions_per_second")
    #expect(limit.kind == .requests && limit.per == .second && limit.amount == amount)
    #expect(limit.models == nil && limit.scope == .tenant && limit.burst == nil)
  }

  @Test func `without it there is none`() throws {
    let policy = try #require(load(Sketch().text).policy)
    #expect(policy.tenant("t")?.limits.isEmpty == true)
  }

  @Test(arguments: [
    ("§0", "must be from 1 to 1000000000000"), ("§-1", "must be from 1 to 1000000000000"),
    ("§1.5", "must be a whole number"), ("§\"5\"", "must be a whole number, not text"),
    ("§1000000000001", "must be from 1 to 1000000000000"),
  ])
  func `a fault in it is told with its place`(value: String, expected: String) {
    expectProblems(
      Self.sketch("max_admissions_per_second: \(value)"),
      ["error: tenants.t.max_admissions_per_second: \(expected)"])
  }

  @Test func `no other limit has its name`() {
    let (policy, problems) = load(
      Sketch(
        limits: #"{ name: "max_admissions_per_second", requests: 1, per: "day" }"#,
        moreTenant: ", max_admissions_per_second: 5"
      ).text)
    #expect(policy == nil && problems.count == 1)
    #expect(problems.first?.contains("is the name of a limit, too, at p:") == true)
  }
}
