import Testing

@testable import Redis

/// Values of both versions of the protocol, read whole and cut at every place, and texts that are none.
@Suite struct RESPParserTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let text: String
    let value: RESPValue
    var testDescription: String { text.debugDescription }
  }

  private static func string(_ text: String) -> RESPValue { .string(Array(text.utf8)) }

  private static let rows = [
    Row(text: "+OK\r\n", value: string("OK")),
    Row(text: ":42\r\n", value: .integer(42)),
    Row(text: ":-1\r\n", value: .integer(-1)),
    Row(text: ":9223372036854775807\r\n", value: .integer(.max)),
    Row(text: ":-9223372036854775808\r\n", value: .integer(.min)),
    Row(text: "$5\r\nhello\r\n", value: string("hello")),
    Row(text: "$0\r\n\r\n", value: string("")),
    Row(text: "$4\r\na\r\nb\r\n", value: string("a\r\nb")),
    Row(text: "$-1\r\n", value: .null),
    Row(text: "*-1\r\n", value: .null),
    Row(text: "_\r\n", value: .null),
    Row(text: "#t\r\n", value: .bool(true)),
    Row(text: ",1.5\r\n", value: string("1.5")),
    Row(text: "(123456789012345678901\r\n", value: string("123456789012345678901")),
    Row(text: "=6\r\ntxt:ab\r\n", value: string("ab")),
    Row(text: "*0\r\n", value: .list([])),
    Row(
      text: "*3\r\n:1\r\n$1\r\na\r\n*1\r\n+b\r\n",
      value: .list([.integer(1), string("a"), .list([string("b")])])),
    Row(text: "~1\r\n:1\r\n", value: .list([.integer(1)])),
    Row(text: "%1\r\n+k\r\n:1\r\n", value: .map([string("k"), .integer(1)])),
    Row(text: ">2\r\n+message\r\n+x\r\n", value: .push([string("message"), string("x")])),
    Row(text: "|1\r\n+ttl\r\n:1\r\n+OK\r\n", value: string("OK")),
    Row(
      text: "-MOVED 42 10.0.0.1:7000\r\n",
      value: .error(RedisError(word: "MOVED", text: "42 10.0.0.1:7000"))),
    Row(text: "-odd words\r\n", value: .error(RedisError(word: "", text: "odd words"))),
    Row(text: "!8\r\nERR some\r\n", value: .error(RedisError(word: "ERR", text: "some"))),
  ]

  /// All values in the pieces; the fault where there is one.
  private static func read(_ pieces: [[UInt8]]) -> ([RESPValue], RESPParser.Fault?) {
    var parser = RESPParser()
    var values: [RESPValue] = []
    do throws(RESPParser.Fault) {
      for piece in pieces {
        var offset = 0
        while let value = try parser.next(in: piece.span, from: &offset) { values.append(value) }
        #expect(offset == piece.count)
      }
      return (values, nil)
    } catch {
      return (values, error)
    }
  }

  @Test(arguments: rows) func `a value is the same wherever it is cut`(row: Row) {
    let bytes = Array(row.text.utf8) + Array("+next\r\n".utf8)
    let expected = [row.value, Self.string("next")]
    #expect(Self.read([bytes]).0 == expected)
    for cut in 0...bytes.count {
      let (values, fault) = Self.read([Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(values == expected && fault == nil, "cut at \(cut)")
    }
    #expect(Self.read(bytes.map { [$0] }).0 == expected)
  }

  @Test(
    arguments: [
      ("@x\r\n", .unknownType(UInt8(ascii: "@"))), ("\r\n", .malformedLine),
      ("+a\n", .malformedLine),
      ("+a\rb\r\n", .malformedLine), (":\r\n", .malformedNumber), (":1x\r\n", .malformedNumber),
      (":9223372036854775808\r\n", .malformedNumber), ("$+1\r\na\r\n", .malformedNumber),
      ("$-2\r\n", .malformedNumber), ("$1\r\nab\r\n", .malformedString),
      ("=3\r\nabc\r\n", .malformedString), ("#x\r\n", .malformedLine), ("_x\r\n", .malformedLine),
      ("$1048577\r\n", .stringTooLong), ("*131073\r\n", .tooManyElements),
      ("%65537\r\n", .tooManyElements), ("$99999999999999999999\r\n", .malformedNumber),
    ] as [(String, RESPParser.Fault)])
  func `what is no value ends the connection`(text: String, fault: RESPParser.Fault) {
    let bytes = Array(text.utf8)
    #expect(Self.read([bytes]).1 == fault)
    #expect(Self.read(bytes.map { [$0] }).1 == fault)
  }

  @Test func `each bound holds to the last unit`() {
    let deep = String(repeating: "*1\r\n", count: RedisLimits.depthMax)
    #expect(Self.read([Array((deep + ":1\r\n").utf8)]).1 == nil)
    #expect(Self.read([Array((deep + "*1\r\n").utf8)]).1 == .tooDeep)
    let line = String(repeating: "a", count: RedisLimits.lineBytesMax - 2)
    #expect(Self.read([Array("+\(line)\r\n".utf8)]).0.count == 1)
    #expect(Self.read([Array("+\(line)aa\r\n".utf8)]).1 == .lineTooLong)
    let text = String(repeating: "a", count: RedisLimits.stringBytesMax)
    let one = "$\(text.utf8.count)\r\n\(text)\r\n"
    let many = RedisLimits.answerBytesMax / RedisLimits.stringBytesMax + 1
    #expect(
      Self.read([Array("*\(many)\r\n".utf8) + (0..<many).flatMap { _ in Array(one.utf8) }]).1
        == .answerTooLarge)
    // The next answer has room of its own.
    #expect(Self.read([Array(one.utf8), Array(one.utf8)]).0.count == 2)
  }

  @Test func `bytes of any kind neither trap nor grow without bound`() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("+-:$*%>|_#=~!(,0123456789\r\nabc".utf8)
    for seed in 0..<4_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...120, using: &random) {
        bytes.append(
          seed.isMultiple(of: 3)
            ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random)!)
      }
      let (whole, fault) = Self.read([bytes])
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let (parts, partsFault) = Self.read([Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(whole == parts && fault == partsFault, "\(bytes)")
    }
  }
}
