import Foundation
import Testing

@testable import Bytes

@Suite struct LockedTests {
  @Test func `threads that add lose nothing`() {
    let sum = Locked(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<1000 { sum.withLock { $0 += 1 } }
    }
    #expect(sum.withLock { $0 } == 8000)
  }

  @Test func `an error leaves the lock open`() {
    struct Problem: Error {}
    let value = Locked([1])
    #expect(throws: Problem.self) {
      try value.withLock { (list: inout [Int]) throws(Problem) in
        list.append(2)
        throw Problem()
      }
    }
    #expect(value.withLock { $0 } == [1, 2])
  }
}
