@testable import Policy
import Testing

@Test func `the target is linked`() {}
