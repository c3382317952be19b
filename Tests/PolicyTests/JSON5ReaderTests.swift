import Foundation
import SeededRandom
import Testing

@testable import Policy

/// A value without its places, for comparison.
indirect enum Plain: Equatable {
  case null, notFinite
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([Plain])
  case object([String: Plain])

  init?(_ value: JSON5Value) {
    switch value.kind {
    case .null: self = .null
    case .notFinite: self = .notFinite
    case .bool(let bool): self = .bool(bool)
    case .number(let number):
      let digits = "\(number.isNegative ? "-" : "")\(number.significand)e\(number.exponent)"
      self = .number(Double(digits) ?? .nan)
    case .string(let text): self = .string(text)
    case .array(let elements): self = .array(elements.compactMap(Plain.init))
    case .object(let members):
      self = .object(
        Dictionary(
          uniqueKeysWithValues: members.compactMap { m in Plain(m.value).map { (m.key, $0) } }))
    case .invalid: return nil
    }
  }

  /// What Foundation's JSON5 reader makes of a text; nil where it refuses it.
  init?(foundation text: String) {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    guard let plain = try? decoder.decode(Plain.self, from: Data(text.utf8)) else { return nil }
    self = plain
  }
}

extension Plain: Decodable {
  init(from decoder: any Decoder) throws {
    if let members = try? decoder.container(keyedBy: AnyKey.self) {
      var object: [String: Plain] = [:]
      for key in members.allKeys {
        object[key.stringValue] = try members.decode(Plain.self, forKey: key)
      }
      self = .object(object)
    } else if var list = try? decoder.unkeyedContainer() {
      var elements: [Plain] = []
      while !list.isAtEnd { elements.append(try list.decode(Plain.self)) }
      self = .array(elements)
    } else {
      let single = try decoder.singleValueContainer()
      if single.decodeNil() {
        self = .null
      } else if let bool = try? single.decode(Bool.self) {
        self = .bool(bool)
      } else if let number = try? single.decode(Double.self) {
        self = number.isFinite ? .number(number) : .notFinite
      } else {
        self = .string(try single.decode(String.self))
      }
    }
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

private func read(_ text: String) -> Plain? {
  let (value, faults) = JSON5Reader.read(Array(text.utf8))
  return faults.isEmpty ? value.flatMap(Plain.init) : nil
}

@Suite struct JSON5ReaderTests {
  @Test(
    arguments: [
      ("null", .null), ("true", .bool(true)), ("false", .bool(false)),
      ("Infinity", .notFinite), ("-Infinity", .notFinite), ("+Infinity", .notFinite),
      ("NaN", .notFinite), ("-NaN", .notFinite),
      ("0", .number(0)), ("12", .number(12)), ("-1", .number(-1)), ("+1", .number(1)),
      (".5", .number(0.5)), ("5.", .number(5)), ("-.5", .number(-0.5)), ("1e3", .number(1_000)),
      ("1E-3", .number(0.001)), ("1.5e+2", .number(150)), ("0x1F", .number(31)),
      ("-0Xa", .number(-10)),
      ("0.25", .number(0.25)), ("5.e1", .number(50)),
      ("\"\"", .string("")), ("'a\"b'", .string("a\"b")), ("\"a'b\"", .string("a'b")),
      (#""\b\f\n\r\t\v\0""#, .string("\u{8}\u{c}\n\r\t\u{b}\0")), (#"'\x41\u0042'"#, .string("AB")),
      (#""\ud83d\ude00""#, .string("😀")), ("\"\u{1F600}é\"", .string("😀é")),
      (#""\q\'\"\\\/""#, .string("q'\"\\/")),
      ("'a\\\nb'", .string("ab")), ("'a\\\r\nb'", .string("ab")), ("'a\\\rb'", .string("ab")),
      ("'a\\\u{2028}b'", .string("ab")), ("'a\\\u{2029}b'", .string("ab")), ("'\\é'", .string("é")),
      ("'a\tb'", .string("a\tb")), ("'\u{2028}'", .string("\u{2028}")),
      ("[]", .array([])), ("[1,]", .array([.number(1)])),
      ("[1, [2], {}]", .array([.number(1), .array([.number(2)]), .object([:])])),
      ("{}", .object([:])), ("{a:1,}", .object(["a": .number(1)])),
      ("{$_a1: 1}", .object(["$_a1": .number(1)])),
      ("{'a b': 1, \"c\": 2}", .object(["a b": .number(1), "c": .number(2)])),
      ("{\\u0061b: 1}", .object(["ab": .number(1)])), ("{ünï: 1}", .object(["ünï": .number(1)])),
      (
        "{null: 1, true: 2, Infinity: 3}",
        .object(["null": .number(1), "true": .number(2), "Infinity": .number(3)])
      ),
      ("// a\n1 /* b * / */ // c", .number(1)), ("/**/1/***/", .number(1)), ("1//", .number(1)),
      ("//a\r1", .number(1)), ("\t\n\r 1", .number(1)), ("//a\u{2028}1", .number(1)),
      ("\u{feff}1", .number(1)),
      ("\u{a0}\u{2003}\u{3000}\u{1680}\u{202f}\u{205f}1\u{b}\u{c}", .number(1)),
    ] as [(String, Plain)])
  func `a good text is read as the standard says`(text: String, expected: Plain) {
    #expect(read(text) == expected)
  }

  @Test(arguments: [
    ("§", "the file is empty; it must hold an object: { … }"),
    ("1 §2", "nothing may follow the object; remove what is from here on"),
    ("§nul", "this word is not a value; write text in quotes"),
    ("§/", "expected a value, found /"),
    ("[§,]", "expected a value, found ,"),
    ("[1, §, 2]", "expected a value, found ,"),
    ("§[1, 2", "this [ is never closed; add a ]"),
    ("§{a: 1", "this { is never closed; add a }"),
    ("{a: §}", "expected a value, found }"),
    ("{§1: 2}", "expected a key or }, found 1"),
    ("{§,}", "expected a key or }, found ,"),
    ("{a §1}", "expected a : after the key, found 1"),
    ("{a: 1 §b: 2}", "expected a comma, found b"),
    ("[1 §\"2\"]", "expected a comma, found \""),
    ("[1 §2]", "expected a comma, found 2"),
    ("{a: [1§}", "expected a , or a ], found }; the unclosed bracket is at 4"),
    ("{a: 1, §'a': 2}", "the key `a` is given twice; the first is at 1"),
    ("{a: 1, §\\u0061: 2}", "the key `a` is given twice; the first is at 1"),
    ("§\"abc", "this text is never closed; add the quote"),
    (
      "[§'abc\n', 1]", "this text is not closed on its line; add the quote, or end the line with \\"
    ),
    ("'§\\x4'", "\\x needs two hex digits"), ("'§\\xzz'", "\\x needs two hex digits"),
    ("'§\\u12'", "\\u needs four hex digits"), ("'§\\u00g0'", "\\u needs four hex digits"),
    ("'§\\ud800'", "half of a surrogate pair; both halves must be given"),
    ("'§\\ud800\\u0041'", "half of a surrogate pair; both halves must be given"),
    ("'§\\udc00'", "half of a surrogate pair; both halves must be given"),
    ("'§\\01'", "\\0 may not be followed by a digit; write \\x00"),
    ("'§\\1'", "\\ before a digit is no escape; write \\x and two hex digits"),
    ("§01", "not a number; text is written in quotes"),
    ("§-", "not a number; text is written in quotes"),
    ("§.", "not a number; text is written in quotes"),
    ("§1.2.3", "not a number; text is written in quotes"),
    ("§1e", "not a number; text is written in quotes"),
    ("§.5e+", "not a number; text is written in quotes"),
    ("§0x", "not a number; text is written in quotes"),
    ("§0xg", "not a number; text is written in quotes"),
    ("§12ab", "not a number; text is written in quotes"),
    ("§--1", "not a number; text is written in quotes"), ("§+Inf", "not a number"),
    ("1 §/* x", "this comment is never closed; add */"),
    ("{a: §tru, }", "this word is not a value; write text in quotes"),
  ])
  func `a bad text is refused at its place`(marked: String, message: String) {
    let offset = marked.utf8.firstIndex(of: 0xc2).map {
      marked.utf8.distance(from: marked.utf8.startIndex, to: $0)
    }
    let (_, faults) = JSON5Reader.read(Array(marked.replacing("§", with: "").utf8))
    // The reader gives the offset of the second place; the loader makes a line and a column of it.
    let told = faults.map { fault in
      guard let elsewhere = fault.elsewhere else { return fault.message }
      return fault.message + " \(elsewhere)"
    }
    // A string that is not closed hides the brackets after it, and its second quote begins another one.
    let index = faults.firstIndex { $0.offset == offset }
    #expect(index.map { told[$0] } == message)
    #expect(faults.count == (marked.hasPrefix("[§'") ? 4 : 1), "\(told)")
  }

  @Test func `several faults of one text are told together, and what follows each is read`() {
    let text = "{ a: §01, b: '§\\x', §a: 2, c: [1 §2, §@], d §5, e: 3 }"
    let (value, faults) = JSON5Reader.read(Array(text.replacing("§", with: "").utf8))
    var expected: [Int] = []
    var offset = 0
    for character in text {
      if character == "§" { expected.append(offset) } else { offset += character.utf8.count }
    }
    #expect(faults.map(\.offset) == expected)
    #expect(faults.map(\.breaksStructure) == [false, false, false, true, true, true])
    guard case .object(let members) = value?.kind else {
      Issue.record("no object")
      return
    }
    #expect(members.map(\.key) == ["a", "b", "c", "e"])
  }

  @Test func `nesting, numbers and faults have bounds`() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(JSON5Reader.read(nested(32)).faults.isEmpty)
    #expect(
      JSON5Reader.read(nested(33)).faults
        == [JSON5Fault(offset: 32, message: "nested more than 32 deep (depthMax)")])
    // What is nested too deep is skipped without recursion, so that it cannot overflow the stack.
    #expect(JSON5Reader.read(nested(1_000_000)).faults.count == 1)
    #expect(
      JSON5Reader.read(Array(String(repeating: "[", count: 1_000_000).utf8)).faults.count <= 20)
    let digits = String(repeating: "0", count: 62)
    #expect(JSON5Reader.read(Array("1.\(digits)".utf8)).faults.isEmpty)
    #expect(
      JSON5Reader.read(Array("1.\(digits)0".utf8)).faults.map(\.message)
        == ["a number longer than 64 characters (numberBytesMax)"])
    #expect(
      JSON5Reader.read(Array("[\(String(repeating: "01,", count: 19))]".utf8)).faults.count == 19)
    #expect(
      JSON5Reader.read(Array("[\(String(repeating: "01,", count: 30))]".utf8)).faults.count == 20)
  }

  /// Whether a text has something in which Foundation's reader differs from the standard: it refuses `\v`,
  /// `\0` and the escape of an ordinary character, keeps the line break of a continuation, and traps on
  /// an exponent's sign without digits. The tables above have all of these.
  private func isBeyondFoundation(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var isEscaped = false
    for (at, byte) in bytes.enumerated() {
      if isEscaped, !"bfnrtxu'\"\\/".utf8.contains(byte) { return true }
      isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
      if isSign, at > 0, bytes[at - 1] | 0x20 == UInt8(ascii: "e") {
        guard at + 1 < bytes.count, (0x30...0x39).contains(bytes[at + 1]) else { return true }
      }
    }
    return false
  }

  /// A text that Foundation refuses must be refused here too, and the values must be the same.
  @Test func `Foundation agrees about thousands of mutated texts`() {
    let seeds = [
      examplePolicy, "{a:1,b:[true,null,-.5e3,0x1f],'c':\"\\u0041\\x42\\t\\n\",}",
      "// c\n{ $a: 'x\\ty', /* d */ _b: +Infinity, c: [1,2,], d: {e: {}}, }", "[0, 1., .5, '\\'']",
    ]
    let alphabet = Array("{}[]:,\"'\\/*+-.0123456789abefnrtuvx_$ \né".unicodeScalars)
    var random = SeededRandom(42)
    var (agreed, refusedHereOnly) = (0, 0)
    for _ in 0..<4_000 {
      var scalars = Array(seeds[Int(random.next() % 4)].unicodeScalars)
      if scalars.count > 200 {
        let start = Int(random.next() % UInt64(scalars.count - 100))
        scalars = Array(scalars[start..<(start + 100)])
      }
      for _ in 0..<(1 + random.next() % 2) {
        let at = Int(random.next() % UInt64(scalars.count))
        switch random.next() % 3 {
        case 0: scalars.remove(at: at)
        case 1: scalars.insert(alphabet[Int(random.next() % UInt64(alphabet.count))], at: at)
        default: scalars[at] = alphabet[Int(random.next() % UInt64(alphabet.count))]
        }
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      if isBeyondFoundation(String(text)) { continue }
      let ours = read(String(text))
      let theirs = Plain(foundation: String(text))
      if ours == theirs {
        agreed += 1
      } else if ours == nil {
        refusedHereOnly += 1
      } else {
        Issue.record(
          "here \(String(describing: ours)), there \(String(describing: theirs)): \(String(text).debugDescription)"
        )
      }
    }
    #expect(agreed > 3_500, "\(agreed) agreed, \(refusedHereOnly) were refused here only")
  }

  @Test func `lines and columns are counted in characters, over every line ending`() {
    let text = "é1\r\n\u{1F600}2\r3\n\n4"
    let source = SourceText(name: "p", bytes: Array(text.utf8))
    func place(_ character: Character) -> [Int] {
      let offset = text.utf8.distance(
        from: text.utf8.startIndex, to: text.firstIndex(of: character) ?? text.startIndex)
      let (line, column) = source.position(of: offset)
      return [line, column]
    }
    #expect(place("1") == [1, 2])
    #expect(place("2") == [2, 2])
    #expect(place("3") == [3, 1])
    #expect(place("4") == [5, 1])
    let marked = SourceText(name: "p", bytes: Array("\u{feff}{}".utf8))
    #expect(marked.position(of: 3).column == 1)
  }

  @Test(
    arguments: [
      ([0x80], 0), ([0x61, 0xc3], 1), ([0xc0, 0xaf], 0), ([0xe0, 0x9f, 0xbf], 0),
      ([0xed, 0xa0, 0x80], 0), ([0xf0, 0x8f, 0xbf, 0xbf], 0), ([0xf4, 0x90, 0x80, 0x80], 0),
      ([0xf5, 0x80, 0x80, 0x80], 0), ([0xff, 0xfe], 0), ([0xc3, 0xa9, 0xe2, 0x82], 2),
      ([0xc3, 0xa9], nil), ([0xe0, 0xa0, 0x80], nil), ([0xed, 0x9f, 0xbf], nil),
      ([0xf0, 0x90, 0x80, 0x80], nil), ([0xf4, 0x8f, 0xbf, 0xbf], nil), ([], nil),
    ] as [([UInt8], Int?)])
  func `the first byte that is not UTF-8 is found`(bytes: [UInt8], offset: Int?) {
    #expect(SourceText(name: "p", bytes: bytes).firstInvalidUTF8 == offset)
    #expect((String(validating: bytes, as: UTF8.self) == nil) == (offset != nil))
  }

  @Test func `a file that is not UTF-8 is refused at the byte`() {
    let source = PolicySource(name: "p", bytes: Array("{ version: 1, // ".utf8) + [0xe9, 0x0a])
    #expect(
      PolicyLoader.load([source], nowSeconds: testNow).problems.map(\.description)
        == ["p:1:18: error: the file is not UTF-8 from here on; save it as UTF-8"])
  }
}
