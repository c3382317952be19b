import Foundation
import Ledger
import Log
import Policy
import Terms
import Testing

@testable import Server

/// What the log says of plans that have changed, and of budgets that run low.
struct LimitMessageTests {
  private let lines = LogCapture()
  private let log: Logger

  init() {
    log = Logger(level: .info, format: .text, write: lines.append)
  }

  private var said: [String] { lines.said(by: log) }

  private func policy(_ plans: String, _ tenants: String) throws -> PolicySnapshot {
    let text = "{ version: 1, models: {}, plans: { \(plans) }, tenants: { \(tenants) } }"
    let (policy, problems) = PolicyLoader.load(
      [PolicySource(name: "p", bytes: Array(text.utf8))], nowSeconds: 0)
    return try #require(policy, "\(problems)")
  }

  @Test func `a reload tells each tenant's plan in a line`() throws {
    let one = #"a: { limits: [{ name: "l", requests: 1, per: "day" }] }, b: {}"#
    let before = try policy(one, #"s: { plan: "a" }, t: { plan: "a" }, u: {}, v: { plan: "a" }"#)
    let after = try policy(one, #"s: { plan: "a" }, t: { plan: "b" }, u: { plan: "a" }, v: {}"#)
    log.policyReplaced(before, by: after)
    #expect(
      Array(said.dropFirst()) == [
        "info tenant t: its plan is b, and was a tenant=t plan=b previous_plan=a",
        "info tenant u: its plan is a, and it had none tenant=u plan=a",
        "info tenant v: it has no plan any more; it was a tenant=v previous_plan=a",
      ])
  }

  @Test func `beyond ten tenants are counted`() throws {
    let tenants = (10..<23).map { #"t\#($0): { plan: "a" }"# }.joined(separator: ", ")
    func plan(_ amount: Int) -> String {
      #"a: { limits: [{ name: "l", requests: \#(amount), per: "day" }] }"#
    }
    log.policyReplaced(try policy(plan(1), tenants), by: try policy(plan(2), tenants))
    #expect(said.count == 12)
    #expect(
      said[1] == "info tenant t10: its plan a has changed tenant=t10 plan=a previous_plan=a")
    #expect(said[11] == "info and 3 tenants more whose plan has changed count=3")
  }

  @Test func `a share that is reached is a warning with use, amount and the window's end`() {
    func threshold(_ tenant: String?, _ group: String?, _ kind: LimitKind) -> Threshold {
      Threshold(
        tenant: tenant, group: group, limit: "l", counter: "c", kind: kind,
        share: WarningShare(thousandths: 800), used: 400_130_000_000, amount: 500_000_000_000,
        windowStartMs: 0, windowEndMs: 86_400_000)
    }
    log.reached([
      threshold("t", nil, .usd), threshold(nil, "g", .tokens), threshold(nil, nil, .tokens),
    ])
    #expect(
      said[0] == "warning tenant t's limit l has come to 0.8 of its amount: 400.13 of 500; "
        + "it begins anew at 1970-01-02T00:00:00.000Z tenant=t limit=l share=0.8 used=400.13 "
        + "amount=500 kind=usd window_end=1970-01-02T00:00:00.000Z")
    #expect(said[1].hasPrefix("warning group g's limit l has come to 0.8 of its amount: 4001300"))
    #expect(said[2].hasPrefix("warning the global limit l has come to 0.8"))
  }
}
