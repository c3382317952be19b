import Bytes
import Testing

@Suite struct JSONReaderTests {
  private func value(_ text: String, _ rules: JSONReader.Rules = .any) throws -> JSONValue {
    try JSONValue(Array(text.utf8), rules)
  }

  /// Why a text is refused, and at which byte; nil where it is not.
  private func problem(_ bytes: [UInt8], _ rules: JSONReader.Rules = .any) -> JSONProblem? {
    do throws(JSONProblem) {
      _ = try JSONValue(bytes, rules)
      return nil
    } catch {
      return error
    }
  }

  private func problem(_ text: String, _ rules: JSONReader.Rules = .any) -> JSONProblem? {
    problem(Array(text.utf8), rules)
  }

  @Test(
    arguments: [
      ("null", .null), (" true ", .bool(true)), ("\t\r\nfalse\n", .bool(false)),
      ("0", .number("0")), ("-0", .number("-0")), ("-12.034", .number("-12.034")),
      ("1e5", .number("1e5")), ("1E+5", .number("1E+5")), ("0.5e-10", .number("0.5e-10")),
      ("123456789012345678901234567890", .number("123456789012345678901234567890")),
      (#""""#, .string("")), (#""é世😀""#, .string("é世😀")),
      ("\"\u{7f}\u{fffd}\"", .string("\u{7f}\u{fffd}")),
      (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")),
      (#""\u0041\u00e9\u00E9\u20ac\u0000\u007f""#, .string("Aéé€\0\u{7f}")),
      (#""a\ud83d\ude00b\uD83D\uDE00""#, .string("a😀b😀")),
      ("[]", .array([])), ("[ ]", .array([])), ("{}", .object([])), ("{ }", .object([])),
      ("[1 , \"a\",[null]]", .array([.number("1"), .string("a"), .array([.null])])),
      (
        #"{"a":{"b":[]}, "" : 1 ,"a":2}"#,
        .object([
          .init(name: "a", value: .object([.init(name: "b", value: .array([]))])),
          .init(name: "", value: .number("1")), .init(name: "a", value: .number("2")),
        ])
      ),
    ] as [(String, JSONValue)])
  func `a JSON text is read`(text: String, expected: JSONValue) throws {
    #expect(try value(text) == expected)
  }

  @Test(
    arguments: [
      ("", 0, .valueMissing), ("  ", 2, .valueMissing), ("[", 1, .valueMissing),
      ("nul", 0, .notAValue), ("True", 0, .notAValue), ("nan", 0, .notAValue),
      ("'a'", 0, .notAValue),
      ("+1", 0, .notAValue), ("-", 0, .notAValue), ("01", 0, .notAValue), ("-01", 0, .notAValue),
      (".5", 0, .notAValue), ("1.", 0, .notAValue), ("1.e5", 0, .notAValue), ("1e", 0, .notAValue),
      ("1e+", 0, .notAValue), ("0x10", 1, .somethingFollows), ("1 2", 2, .somethingFollows),
      ("{}}", 2, .somethingFollows), ("null,", 4, .somethingFollows), ("\u{feff}1", 0, .notAValue),
      ("[1,]", 3, .notAValue), ("[,1]", 1, .notAValue), ("[1 2]", 3, .commaOrBracketMissing),
      ("[1}", 2, .commaOrBracketMissing), ("[1", 2, .commaOrBracketMissing),
      ("{\"a\":1]", 6, .commaOrBraceMissing), ("{\"a\":1", 6, .commaOrBraceMissing),
      ("{\"a\":1,}", 7, .nameMissing), ("{,}", 1, .nameMissing), ("{a:1}", 1, .nameMissing),
      ("{1:1}", 1, .nameMissing), ("{\"a\" 1}", 5, .colonMissing), ("{\"a\"}", 4, .colonMissing),
      ("{\"a\":}", 5, .notAValue), ("/* */1", 0, .notAValue),
      ("\"", 1, .unclosedString), ("\"abcdefghi", 10, .unclosedString),
      ("\"\\", 2, .unclosedString),
      ("\"\\\"", 3, .unclosedString), ("\"\\x\"", 3, .unknownEscape),
      ("\"\\U0041\"", 3, .unknownEscape),
      ("\"\\u12\"", 5, .hexDigitMissing), ("\"\\u00g0\"", 5, .hexDigitMissing),
      ("\"\\ud800\"", 7, .halfSurrogatePair), ("\"\\udc00\"", 7, .halfSurrogatePair),
      ("\"\\ud800\\u0041\"", 13, .halfSurrogatePair),
      ("\"\\ud800\\ud800\"", 13, .halfSurrogatePair),
      ("\"\\ud800\\n\"", 7, .halfSurrogatePair), ("\"\\ud800\\u\"", 9, .hexDigitMissing),
    ] as [(String, Int, JSONProblem.Reason)])
  func `what is no JSON is refused with its place`(
    text: String, offset: Int, reason: JSONProblem.Reason
  ) {
    let problem = problem(text)
    #expect(problem?.offset == offset)
    #expect(problem?.reason == reason)
  }

  private static let long =
    #"{"name":"tex\"t \u00e9\ud83d\ude00 é","list":[1,-2.5,1e9,true,false,null,{},[]],"o":{"p":""}}"#

  @Test func `a text that ends anywhere before its end is refused`() throws {
    let bytes = Array(Self.long.utf8)
    _ = try JSONValue(bytes, .any)
    for count in bytes.indices {
      #expect(problem(Array(bytes.prefix(count))) != nil, "\(count) bytes")
    }
  }

  @Test func `blank space may stand between any two pieces and changes nothing`() throws {
    let pieces = [
      "{", "\"a\"", ":", "[", "1", ",", "null", "]", ",", "\"b\"", ":", "{", "}", "}",
    ]
    let plain = try value(pieces.joined())
    for blank in [" ", "\t", "\r", "\n", " \r\n\t "] {
      #expect(try value(blank + pieces.joined(separator: blank) + blank) == plain)
    }
    for other in ["\u{b}", "\u{c}", "\u{a0}", "\u{feff}", "\u{2028}"] {
      #expect(problem(pieces.joined(separator: other)) != nil)
    }
  }

  @Test func `a place is a line and a column of bytes`() {
    let problem = problem("{\n  \"é\":\r\n [1,\n\n  \"é\" x]}")
    #expect(problem?.line == 5)
    #expect(problem?.column == 8)
    #expect(problem?.offset == 24)
    #expect(problem?.description == "a comma or ] should be here")
  }

  @Test func `names and values tell the line they begin on`() throws {
    var reader = JSONReader(Array("{\n\"a\"\n:\n\n1,\"b\":[\n2\n]\n}".utf8), .any)
    #expect(try reader.next() == .object)
    #expect(reader.line == 1)
    #expect(try reader.nextName() == "a")
    #expect(reader.nameLine == 2)
    #expect(try reader.next() == .number("1"))
    #expect(reader.line == 5)
    #expect(try reader.nextName() == "b")
    #expect(reader.nameLine == 5)
    #expect(try reader.next() == .array)
    #expect(try reader.nextElement())
    #expect(try reader.next() == .number("2"))
    #expect(reader.line == 6)
    #expect(try !reader.nextElement())
    #expect(try reader.nextName() == nil)
    try reader.finish()
  }

  // MARK: Bytes

  @Test func `a control character is refused wherever it stands in a text, DEL is not`() throws {
    for position in 0..<20 {
      for control in UInt8(0)..<0x20 {
        var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 20)
        bytes[position] = control
        let problem = problem([0x22] + bytes + [0x22])
        #expect(problem?.reason == .controlCharacter)
        #expect(problem?.offset == position + 1)
      }
      var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 20)
      bytes[position] = 0x7f
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(try JSONValue([0x22] + bytes + [0x22], .any) == .string(text))
    }
  }

  @Test(
    arguments: [
      [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xc3, 0x28], [0xe0, 0x9f, 0xbf],
      [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf],
      [0xf0, 0x9f, 0x98], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xfe],
    ] as [[UInt8]])
  func `what is not UTF-8 is refused in values, in names and behind escapes`(bytes: [UInt8]) {
    let text = [0x22] + bytes + [0x22]
    #expect(problem(text)?.reason == .notUTF8)
    #expect(problem(Array("[\"\\n".utf8) + bytes + Array("\"]".utf8))?.reason == .notUTF8)
    let object = problem(Array("{".utf8) + text + Array(":1}".utf8))
    #expect(object?.reason == .notUTF8)
    #expect(object?.offset == 1)
    // Outside of texts it is no value.
    #expect(problem(bytes)?.reason == .notAValue)
  }

  // MARK: Rules

  @Test func `nesting is taken as deep as allowed, and one deeper refused`() throws {
    var rules = JSONReader.Rules.any
    rules.depthMax = 3
    // The outermost value is at depth 0.
    _ = try value("[[[[]]]]", rules)
    _ = try value("[[[1]]]", rules)
    _ = try value(#"{"a":{"b":[{}]}}"#, rules)
    // Behind one another they are no deeper.
    _ = try value("[[],[[],[]],{},[[1,2]]]", rules)
    #expect(problem("[[[[[]]]]]", rules)?.reason == .tooDeep(max: 3))
    #expect(problem("[[[[1]]]]", rules)?.reason == .tooDeep(max: 3))
    #expect(problem(#"{"a":{"b":[{"c":1}]}}"#, rules)?.offset == 16)
    rules.depthMax = 0
    _ = try value("[]", rules)
    #expect(problem("[1]", rules)?.reason == .tooDeep(max: 0))
  }

  @Test func `no deeper nesting than allowed is looked at, however deep it is`() {
    #expect(problem(String(repeating: "[", count: 1_000_000))?.offset == 101)
  }

  @Test func `as many values are taken as allowed, and one more refused`() throws {
    var rules = JSONReader.Rules.any
    rules.valuesMax = 4
    _ = try value("[1,[2]]", rules)
    _ = try value(#"{"a":1,"b":{"c":null}}"#, rules)
    #expect(problem("[1,[2],3]", rules)?.reason == .tooManyValues(max: 4))
    #expect(problem("[1,[2],3]", rules)?.offset == 7)
  }

  @Test func `a repeated name is refused where that is asked for`() throws {
    let rules = JSONReader.Rules(depthMax: 9, valuesMax: 99, refusesRepeatedNames: true)
    for text in [
      #"{"a":1,"a":2}"#, #"{"a":1,"b":{"a":3},"a":2}"#, #"{"a":1,"\u0061":2}"#,
      #"[{"b":[{"":0,"":0}]}]"#, "{\"\u{e9}\":0,\"e\u{301}\":0}",
    ] {
      _ = try value(text)
      guard case .repeatedName? = problem(text, rules)?.reason else {
        Issue.record("\(text) is taken")
        continue
      }
    }
    #expect(problem(#"{"a":1,"a":2}"#, rules)?.description == "the key \"a\" is given twice")
    _ = try value(#"{"a":{"a":1},"b":{"a":[{"a":2},{"a":3}]},"A":4}"#, rules)
  }

  @Test func `a compact text is what the writer writes`() throws {
    let rules = JSONReader.Rules(depthMax: 9, valuesMax: 99, isCompact: true)
    let text = #"{"a":[1,-2.5,"\"\\\u0000\u001f\u007f\u0041é"],"b":null}"#
    #expect(try value(text, rules) == value(text))
    for text in [
      " 1", "1 ", "[1, 2]", "[1\n]", "[ ]", #"{"a" :1}"#, #"{"a": 1}"#, "{ }", "1\n",
      #""\/""#, #""\n""#, #""\b""#, #""\u00e9""#, #""\u0080""#, #""\ud83d\ude00""#, "1e5", "1E5",
      "1.5e0",
    ] {
      _ = try value(text)
      #expect(problem(text, rules) != nil, "\(text)")
    }
  }
}

extension JSONReader.Rules {
  static let any = JSONReader.Rules(depthMax: 100, valuesMax: 10_000)
}
