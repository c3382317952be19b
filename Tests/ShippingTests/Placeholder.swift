import Testing

@testable import Shipping
