@testable import Gateway
import Testing

@Test func `the target is linked`() {}
