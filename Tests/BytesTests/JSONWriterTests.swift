import Bytes
import Testing

@Suite struct JSONWriterTests {
  @Test func `JSON holds any text`() {
    var json = JSONWriter()
    json.object { json in
      json.field("a", "\"\\\n\u{7f}é")
      json.field("b", nil as String?)
      json.array("c") { json in
        json.object { $0.field("d", 1.5) }
        json.object { $0.field("d", Double.nan) }
        json.value("x")
      }
      json.field("e", Int64(-1))
      json.field("f", true)
      json.field("g", timeMs: 1)
      json.field("h", [String]())
    }
    #expect(
      json.text
        == #"{"a":"\"\\\u000a\u007fé","b":null,"c":[{"d":1.5},{"d":null},"x"],"e":-1,"f":true,"#
        + #""g":"1970-01-01T00:00:00.001Z","h":[]}"#)
  }

  @Test(arguments: [UTCTime.millisecondsMax, UTCTime.millisecondsMax + 1, .max])
  func `a moment too far away is the last there is`(timeMs: Int64) {
    var json = JSONWriter()
    json.object { $0.field("a", timeMs: timeMs) }
    #expect(json.text == #"{"a":"9999-12-31T23:59:59.999Z"}"#)
  }

  @Test func `commas stand between values and nowhere else`() {
    var json = JSONWriter()
    json.array { json in
      json.array { _ in }
      json.object { _ in }
      json.array { json in
        json.null()
        json.value(true)
        json.value(Int64.min)
      }
      json.object { json in
        json.object("o") { json in
          json.array("p") { $0.value(Int64(9)) }
          json.null("q")
        }
        json.field("r", number: "0.000000001")
        json.field("s", number: nil)
        json.field("t", ["u", "v"])
        json.name("w")
        json.object { $0.field("x", 10) }
      }
    }
    #expect(
      json.text
        == #"[[],{},[null,true,-9223372036854775808],{"o":{"p":[9],"q":null},"r":0.000000001,"#
        + #""s":null,"t":["u","v"],"w":{"x":10}}]"#)
  }

  @Test func `what is not known is null`() {
    let json = JSONWriter.object { json in
      json.field("a", nil as Int64?)
      json.field("b", nil as Double?)
      json.field("c", nil as Bool?)
      json.field("d", timeMs: nil)
      json.field("e", Double.infinity)
    }
    #expect(
      String(decoding: json, as: UTF8.self)
        == #"{"a":null,"b":null,"c":null,"d":null,"e":null}"#)
  }

  @Test func `a text that is escaped already is taken as it is`() {
    let json = JSONWriter.object { $0.field("a", escaped: { $0 += Array(#"\u2028"#.utf8) }) }
    #expect(String(decoding: json, as: UTF8.self) == #"{"a":"\u2028"}"#)
  }

  @Test func `an escape is found at any place of a text of any length`() {
    for length in 1..<40 {
      for place in 0..<length {
        let before = String(repeating: "a", count: place)
        let behind = String(repeating: "b", count: length - place - 1)
        let json = JSONWriter.object { $0.field("t", before + "\"" + behind) }
        #expect(
          String(decoding: json, as: UTF8.self) == #"{"t":""# + before + #"\""# + behind + #""}"#)
      }
    }
  }

  @Test func `a writer grows with what is written, and begins anew when it is told`() {
    var json = JSONWriter()
    for round in [1, 3_000, 2, 200_000, 3] {
      json.reset()
      json.array { json in
        for _ in 0..<round { json.value("ab") }
      }
      #expect(json.count == 1 + 5 * round)
      #expect(json.text.hasPrefix(#"["ab""#) && json.text.hasSuffix(#""ab"]"#))
    }
  }

  @Test func `what is written is read back`() throws {
    for scalar in (0...0x2ff).compactMap(Unicode.Scalar.init) {
      let text = "a\(scalar)😀\(scalar)"
      let json = JSONWriter.object { json in
        json.name(any: text)
        json.value(text)
      }
      let rules = JSONReader.Rules(depthMax: 1, valuesMax: 2, isCompact: true)
      let expected = JSONValue.object([.init(name: text, value: .string(text))])
      #expect(try JSONValue(json, rules) == expected)
      #expect(try JSONValue(json, .any) == expected)
    }
  }
}

@Suite struct JSONStringTests {
  /// One byte after the other.
  private func escaped(_ bytes: [UInt8]) -> [UInt8] {
    var text = Array("\"".utf8)
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""): text += Array(#"\""#.utf8)
      case UInt8(ascii: "\\"): text += Array(#"\\"#.utf8)
      case 0..<0x20, 0x7f:
        let digits = String(byte, radix: 16)
        text += Array(#"\u00"#.utf8) + Array((digits.utf8.count == 1 ? "0" : "").utf8)
        text += Array(digits.utf8)
      default: text.append(byte)
      }
    }
    return text + Array("\"".utf8)
  }

  private func written(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    JSONString.append(bytes.span, to: &text)
    return text
  }

  @Test func `every byte is escaped where it must be, wherever it stands`() {
    for length in 0...24 {
      #expect(written(Array(repeating: 0x61, count: length)).count == length + 2)
      for position in 0..<length {
        for byte in UInt8.min...UInt8.max {
          var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
          bytes[position] = byte
          #expect(written(bytes) == escaped(bytes))
        }
      }
    }
  }

  @Test func `neighbours change nothing`() {
    // Bytes at the edges of what is escaped, and the same with the highest bit set.
    let edges: [UInt8] = [
      0x00, 0x01, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7e, 0x7f, 0x80, 0x81, 0x9f,
      0xa0, 0xa1, 0xa2, 0xa3, 0xdb, 0xdc, 0xdd, 0xfe, 0xff,
    ]
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        edges.randomElement(using: &random) ?? 0
      }
      #expect(written(bytes) == escaped(bytes), "\(bytes)")
    }
  }

  @Test func `a text is appended behind what is there`() {
    var bytes = Array("a:".utf8)
    JSONString.append("b\u{1f}", to: &bytes)
    JSONString.append("", to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == #"a:"b\u001f""""#)
  }
}
