import Terms
import Testing

@testable import Ledger

@Suite struct CopyOnWriteTests {
  @Test func `what is changed in one copy stays in the other`() {
    let first = Admission(requestID: "req_1", decision: .allow, tenant: "a", policy: "p")
    var second = first
    second.tenant = "b"
    second.reserved = [.init(counter: "tenant/b/rpm", amount: 1)]
    #expect(first.tenant == "a")
    #expect(first.reserved.isEmpty)
    #expect(second.tenant == "b")
    #expect(second.requestID == "req_1")
    #expect(first != second)
    second.tenant = "a"
    second.reserved = []
    #expect(first == second)
  }

  @Test func `a completion is copied where it is changed too`() {
    let first = Completion(requestID: "req_1", usageSource: .reported, endReason: .complete)
    var second = first
    second.latencyMs = 5
    #expect(first.latencyMs == nil)
    #expect(second.latencyMs == 5)
    #expect(first != second)
  }
}
