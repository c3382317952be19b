import Testing

@testable import Bytes

/// A field as the reader gave it, with its content.
private struct Found: Equatable, Sendable {
  var number: Int
  var kind: WireField.Kind
  var value: UInt64 = 0
  var content: [UInt8] = []

  static func number(_ number: Int, _ value: UInt64) -> Found {
    Found(number: number, kind: .varint, value: value)
  }

  static func text(_ number: Int, _ text: String) -> Found {
    Found(number: number, kind: .bytes, content: Array(text.utf8))
  }
}

private func read(_ message: [UInt8]) throws(WireError) -> [Found] {
  try read(message, 0..<message.count)
}

private func read(_ message: [UInt8], _ range: Range<Int>) throws(WireError) -> [Found] {
  var found: [Found] = []
  var reader = WireReader(range)
  while let field = try reader.next(in: message.span) {
    found.append(
      Found(
        number: field.number, kind: field.kind, value: field.value,
        content: Array(message[field.range])))
  }
  return found
}

@Suite struct WireReaderTests {
  @Test(
    arguments: [
      ([], []),
      // The examples of protobuf's own description.
      ([0x08, 0x96, 0x01], [.number(1, 150)]),
      ([0x12, 7, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67], [.text(2, "testing")]),
      ([0x08, 0], [.number(1, 0)]),
      ([0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], [.number(1, .max)]),
      // Longer than it need be, which protobuf allows.
      ([0x08, 0x81, 0x80, 0], [.number(1, 1)]),
      (
        [0x09, 1, 2, 3, 4, 5, 6, 7, 8],
        [Found(number: 1, kind: .fixed64, value: 0x0807_0605_0403_0201)]
      ),
      ([0x0d, 1, 2, 3, 255], [Found(number: 1, kind: .fixed32, value: 0xff03_0201)]),
      ([0x0a, 0], [.text(1, "")]),
      ([0xf8, 0xff, 0xff, 0xff, 0x0f, 0], [.number(536_870_911, 0)]),
      ([0x08, 1, 0x12, 1, 0x78, 0x08, 2], [.number(1, 1), .text(2, "x"), .number(1, 2)]),
    ] as [([UInt8], [Found])])
  fileprivate func `fields come in their order`(message: [UInt8], fields: [Found]) throws {
    #expect(try read(message) == fields)
    // The same in the middle of other bytes.
    let longer = [0xff] + message + [0x08, 0x01]
    #expect(try read(longer, 1..<(message.count + 1)) == fields)
  }

  @Test(
    arguments: [
      // Field 0, one past the last, an overlong number.
      ([0x00, 0], .malformed(offset: 0)),
      ([0x80, 0x80, 0x80, 0x80, 0x10, 0], .malformed(offset: 0)),
      ([0x08, 1, 0x02, 0], .malformed(offset: 2)),
      // Groups, and wire types that do not exist.
      ([0x0b], .malformed(offset: 0)), ([0x0c], .malformed(offset: 0)),
      ([0x0e], .malformed(offset: 0)), ([0x0f], .malformed(offset: 0)),
      // More than 64 bits; more than ten bytes.
      ([0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2], .malformed(offset: 0)),
      ([0x08, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 0], .malformed(offset: 0)),
      ([0x12, 5, 1, 2], .truncated(offset: 0)),
      ([0x12, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], .truncated(offset: 0)),
      ([0x08, 1, 0x08], .truncated(offset: 2)),
    ] as [([UInt8], WireError)])
  func `what is no message is told with its place`(message: [UInt8], error: WireError) {
    #expect(throws: error) { _ = try read(message) }
  }

  @Test func `a message cut anywhere is whole fields or an error`() throws {
    let fields: [[UInt8]] = [
      [0x08, 0x96, 0x01], [0x12, 3, 1, 2, 3], [0x19, 1, 2, 3, 4, 5, 6, 7, 8], [0x25, 1, 2, 3, 4],
    ]
    let message = fields.flatMap { $0 }
    let ends = [0, 3, 8, 17, 22]
    let whole = try read(message)
    for count in 0...message.count {
      let prefix = Array(message.prefix(count))
      if let index = ends.firstIndex(of: count) {
        #expect(try read(prefix) == Array(whole.prefix(index)))
      } else {
        let start = ends.last { $0 < count } ?? 0
        #expect(throws: WireError.truncated(offset: start)) { _ = try read(prefix) }
      }
    }
  }

  @Test func `a field is asked for what it is`() throws {
    var reader = WireReader(0..<5)
    let message: [UInt8] = [0x08, 7, 0x12, 1, 9]
    let varint = try #require(try reader.next(in: message.span))
    #expect(try varint.varint() == 7)
    #expect(throws: WireError.wrongType(field: 1)) { try varint.content() }
    let bytes = try #require(try reader.next(in: message.span))
    #expect(try bytes.content() == 4..<5)
    #expect(throws: WireError.wrongType(field: 2)) { try bytes.varint() }
  }
}

@Suite struct WireWriterTests {
  @Test(arguments: [
    0, 1, 127, 128, 300, 16_383, 16_384, 1 << 32, 1 << 63, UInt64.max,
  ])
  func `a number is written in the fewest bytes and read back`(value: UInt64) throws {
    var writer = WireWriter()
    writer.field(1, value)
    writer.fixed64(2, value)
    writer.fixed32(3, UInt32(truncatingIfNeeded: value))
    let bytes = writer.bytes
    let bits = max(1, 64 - value.leadingZeroBitCount)
    #expect(bytes.count == 5 + 9 + 1 + (bits + 6) / 7)
    #expect(
      try read(bytes) == [
        Found(number: 3, kind: .fixed32, value: value & 0xffff_ffff),
        Found(number: 2, kind: .fixed64, value: value),
        Found(number: 1, kind: .varint, value: value),
      ])
  }

  @Test func `fields come out in the reverse order of the calls`() {
    var writer = WireWriter()
    writer.double(5, 1)
    writer.text(4, "é")
    writer.field(3, "lit")
    writer.field(2, [1, 2] as [UInt8])
    writer.field(1, 300)
    #expect(
      writer.bytes == [
        0x08, 0xac, 0x02, 0x12, 2, 1, 2, 0x1a, 3, 0x6c, 0x69, 0x74, 0x22, 2, 0xc3, 0xa9,
        0x29, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f,
      ])
  }

  @Test func `a nested message has its length in front`() throws {
    var writer = WireWriter()
    writer.field(9, 1)
    let outer = writer.mark
    writer.field(2, 7)
    let inner = writer.mark
    writer.text(1, "x")
    writer.close(1, since: inner)
    writer.close(3, since: outer)
    let bytes = writer.bytes
    #expect(bytes == [0x1a, 7, 0x0a, 3, 0x0a, 1, 0x78, 0x10, 7, 0x48, 1])
  }

  @Test(arguments: [0, 1, 4095, 4096, 4097, 10_000, 100_000])
  func `a writer grows past its first storage`(count: Int) throws {
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    var writer = WireWriter()
    for _ in 0..<2 {
      writer.reset()
      writer.field(2, content)
      writer.field(1, 5)
      #expect(
        try read(writer.bytes) == [
          Found(number: 1, kind: .varint, value: 5),
          Found(number: 2, kind: .bytes, content: content),
        ])
    }
  }

  @Test func `bytes that are sent from elsewhere count in every open length`() {
    var writer = WireWriter()
    writer.reset(tail: 200)
    writer.close(1, since: 0)
    #expect(writer.bytes == [0x0a, 0xc8, 0x01])
    writer.reset()
    #expect(writer.bytes.isEmpty)
  }
}
