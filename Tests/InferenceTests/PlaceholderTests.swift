@testable import Inference
import Testing

@Test func `the target is linked`() {}
