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

  @Test func `only a value that others have is copied`() {
    var value = CopyOnWrite([1, 2, 3])
    value.value.reserveCapacity(100)
    let before = value.value.withUnsafeBufferPointer { unsafe UInt(bitPattern: $0.baseAddress) }
    value.value[0] = 9
    let after = value.value.withUnsafeBufferPointer { unsafe UInt(bitPattern: $0.baseAddress) }
    #expect(before == after)
    let other = value
    value.value[0] = 1
    #expect(other.value[0] == 9)
  }
}
