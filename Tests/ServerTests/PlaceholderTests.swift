@testable import Server
import Testing

@Test func `the target is linked`() {}
