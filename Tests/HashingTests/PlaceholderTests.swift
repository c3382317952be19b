@testable import Hashing
import Testing

@Test func `the target is linked`() {}
