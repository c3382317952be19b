import Bytes
import Testing

@testable import EnvoyAPI

struct SetHeaderTests {
  /// Where the lengths of the messages around a header take a second byte.
  @Test(arguments: [0, 1, 50, 110, 113, 114, 115, 116, 117, 118, 119, 120, 121, 200, 20_000])
  func `a header is written the same whether its lengths are known before or not`(count: Int) {
    let value = (0..<count).map { UInt8($0 % 100) }
    for field in [1, 15, 16, 200] {
      var quick = WireWriter()
      quick.setHeader(field, "x-name" as StaticString, value.span)
      var steady = WireWriter()
      steady.setHeader(field, Array("x-name".utf8), value.span)
      #expect(quick.bytes == steady.bytes)
    }
  }

  @Test func `headers that do not fit into the writer's room make it grow`() {
    var writer = WireWriter()
    var length = 0
    let value = [UInt8](repeating: 7, count: 90)
    for _ in 0..<100 {
      writer.setHeader(1, "x-name" as StaticString, value.span)
      length += 106
    }
    #expect(writer.mark == length)
    #expect(writer.bytes.suffix(2) == [0x18, 2])
  }
}
