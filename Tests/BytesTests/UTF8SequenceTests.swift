import Testing

@testable import Bytes

@Suite struct UTF8SequenceTests {
  private static func firstInvalid(_ bytes: [UInt8]) -> Int? {
    UTF8Sequence.firstInvalid(in: bytes.span)
  }

  @Test func `every scalar is read from its own bytes, one at a time`() throws {
    for value in stride(from: UInt32(0x80), through: 0x10ffff, by: 1) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let bytes = Array(String(scalar).utf8)
      var sequence = try #require(UTF8Sequence(lead: bytes[0]))
      for (index, byte) in bytes.enumerated().dropFirst() {
        guard sequence.remaining == bytes.count - index, sequence.take(byte) else {
          Issue.record("\(value) is not taken")
          return
        }
      }
      guard sequence.remaining == 0, sequence.scalar == value,
        UTF8Sequence.byteCount(of: value) == bytes.count
      else {
        Issue.record("\(value) is read as \(sequence.scalar)")
        return
      }
    }
    #expect(UTF8Sequence.byteCount(of: 0x7f) == 1)
  }

  /// Three bytes, which hold every boundary there is in sequences of two and three.
  @Test func `the standard library agrees about every three bytes at the boundaries`() {
    let edges: [UInt8] = [
      0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
      0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
    ]
    for first in UInt8.min...UInt8.max {
      for second in edges {
        for third in edges {
          let bytes = [first, second, third]
          let isValid = String(validating: bytes, as: UTF8.self) != nil
          guard (Self.firstInvalid(bytes) == nil) == isValid else {
            Issue.record("\(bytes)")
            return
          }
        }
      }
    }
  }

  @Test func `and about four bytes`() {
    for first in UInt8(0xef)...0xf5 {
      for second in stride(from: UInt8(0x70), through: 0xcf, by: 1) {
        for (third, fourth) in [(0x80, 0x80), (0xbf, 0xbf), (0x7f, 0x80), (0x80, 0xc0)]
          as [(UInt8, UInt8)]
        {
          let bytes = [first, second, third, fourth]
          let isValid = String(validating: bytes, as: UTF8.self) != nil
          #expect((Self.firstInvalid(bytes) == nil) == isValid, "\(bytes)")
        }
      }
    }
  }

  @Test(
    arguments: [
      ([], nil), (Array("aé€😀".utf8), nil), ([0x61, 0x80], 1), ([0x61, 0xc3], 1),
      ([0xe2, 0x82, 0x61], 0), ([0x61, 0xf0, 0x9f, 0x98], 1), ([0xed, 0xa0, 0x80], 0),
      ([0xc3, 0xa9, 0xff], 2),
    ] as [([UInt8], Int?)])
  func `the place of what is not UTF-8 is its sequence's first byte`(bytes: [UInt8], place: Int?) {
    #expect(Self.firstInvalid(bytes) == place)
  }
}
