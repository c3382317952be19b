@testable import EnvoyAPI
import Testing

@Test func `the target is linked`() {}
