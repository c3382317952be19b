import Bytes
import Testing

@testable import EnvoyAPI

/// Repeated messages that protobuf would merge and protobuf-c replaces are refused.
@Suite struct StructValueTests {
  private static let nested = WireBytes.delimited(1, [])

  @Test(arguments: [[5, 5], [6, 6], [5, 6], [6, 5]])
  func `a Value with a second Struct or list is refused`(_ fields: [Int]) {
    let value = fields.flatMap { WireBytes.delimited($0, Self.nested) }
    #expect(throws: WireError.repeated(field: fields[1])) {
      try StructValue(in: value.span, 0..<value.count)
    }
  }

  @Test func `a map entry with a second value is refused`() {
    let entry = WireBytes.delimited(2, Self.nested) + WireBytes.delimited(2, [])
    #expect(throws: WireError.repeated(field: 2)) {
      _ = try StructFields.entry(in: entry.span, 0..<entry.count)
    }
  }

  @Test func `a null of another wire type is refused`() {
    let value = WireBytes.delimited(3, [1]) + WireBytes.delimited(1, [])
    #expect(throws: WireError.wrongType(field: 1)) {
      try StructValue(in: value.span, 0..<value.count)
    }
  }
}
