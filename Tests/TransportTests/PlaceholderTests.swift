@testable import Transport
import Testing

@Test func `the target is linked`() {}
