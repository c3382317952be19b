import Books
import Policy
import Quota
import Testing

@testable import Gateway

@Suite struct PolicyLimitsTests {
  @Test func `a limit keeps as many counters as the policy's max_subjects`() throws {
    let policy = testPolicy("max_subjects: 7,").replacing(
      "hostnames: [\"b.example.com\"],",
      with: """
        hostnames: ["b.example.com"],
        limits: [{ name: "each", requests: 5, per: "minute", scope: "subject" }],
        """)
    let rules = try TestGateway(policy).loop.policy.snapshot
    let rule = try #require(PolicyLimits(rules).catalog.rules.first { $0.name == "each" })
    #expect(rule.subjectsMax == 7)
  }
}
