import Bytes
import SeededRandom
import Testing

@testable import Redis

/// What is read, and what is refused, wherever the bytes are split.
@Suite struct RESPParserTests {
  /// All values of some bytes that come in pieces, and the fault at their end.
  static func read(_ bytes: [UInt8], cutAt cuts: [Int] = []) -> ([RESPValue], RESPParser.Fault?) {
    var parser = RESPParser()
    var values: [RESPValue] = []
    var start = 0
    for end in cuts + [bytes.count] {
      let piece = Array(bytes[start..<end])
      var offset = 0
      do throws(RESPParser.Fault) {
        while let value = try parser.next(in: piece.span, from: &offset) { values.append(value) }
      } catch {
        return (values, error)
      }
      start = end
    }
    return (values, nil)
  }

  private static func string(_ text: String) -> RESPValue { .string(Array(text.utf8)) }

  static let good: [(String, [RESPValue])] = [
    ("+OK\r\n", [string("OK")]), ("+\r\n", [string("")]),
    (":0\r\n:-1\r\n:+7\r\n", [.integer(0), .integer(-1), .integer(7)]),
    (":9223372036854775807\r\n", [.integer(.max)]), (":-9223372036854775808\r\n", [.integer(.min)]),
    ("$5\r\na\r\nbc\r\n", [string("a\r\nbc")]), ("$0\r\n\r\n", [string("")]),
    ("$-1\r\n*-1\r\n_\r\n", [.null, .null, .null]),
    ("*0\r\n%0\r\n~0\r\n", [.list([]), .map([]), .list([])]),
    ("*2\r\n*1\r\n:1\r\n$1\r\nx\r\n", [.list([.list([.integer(1)]), string("x")])]),
    ("%1\r\n+a\r\n#t\r\n", [.map([string("a"), .bool(true)])]), ("#f\r\n", [.bool(false)]),
    (",1.5\r\n(123456789012345678901\r\n", [string("1.5"), string("123456789012345678901")]),
    ("=7\r\ntxt:a\r\n\r\n", [string("a\r\n")]), ("=4\r\ntxt:\r\n", [string("")]),
    ("-ERR no\r\n", [.error(RedisError(word: "ERR", text: "no"))]),
    ("-NOAUTH\r\n", [.error(RedisError(word: "NOAUTH"))]),
    ("!7\r\nOOM a b\r\n", [.error(RedisError(word: "OOM", text: "a b"))]),
    (">2\r\n+message\r\n+x\r\n", [.push([string("message"), string("x")])]),
    ("|1\r\n+ttl\r\n:3\r\n:1\r\n", [.integer(1)]),
    ("*2\r\n|1\r\n+ttl\r\n:3\r\n:1\r\n:2\r\n", [.list([.integer(1), .integer(2)])]),
    ("|0\r\n:1\r\n", [.integer(1)]),
  ]

  @Test(arguments: good) func `A value is read, wherever it is cut`(
    text: String, values: [RESPValue]
  ) {
    let bytes = Array(text.utf8)
    #expect(Self.read(bytes) == (values, nil))
    for cut in 0...bytes.count {
      #expect(Self.read(bytes, cutAt: [cut]) == (values, nil), "cut at \(cut)")
    }
    #expect(Self.read(bytes, cutAt: Array(1..<bytes.count)) == (values, nil))
    for length in 1..<bytes.count where bytes.count - length > 0 {
      let (read, fault) = Self.read(Array(bytes.prefix(length)))
      #expect(fault == nil && read.count <= values.count)
    }
  }

  @Test(
    arguments: [
      ("x\r\n", .unknownType(0x78)), ("\r\n", .malformedLine), ("\n", .malformedLine),
      ("+a\n", .malformedLine), ("+a\rb\r\n", .malformedLine), (":\r\n", .malformedNumber),
      (":1a\r\n", .malformedNumber), (":9223372036854775808\r\n", .malformedNumber),
      (":-9223372036854775809\r\n", .malformedNumber), (":--1\r\n", .malformedNumber),
      ("$-2\r\n", .malformedNumber), ("$+1\r\na\r\n", .malformedNumber),
      ("$?\r\n", .malformedNumber), ("*?\r\n", .malformedNumber), ("$1\r\nabc", .malformedString),
      ("$1\r\na\rb", .malformedString), ("=3\r\ntxt\r\n", .malformedString),
      ("=4\r\ntext\r\n", .malformedString), ("#x\r\n", .malformedLine), ("#\r\n", .malformedLine),
      ("_x\r\n", .malformedLine), ("HTTP/1.1 400 Bad Request\r\n", .unknownType(0x48)),
    ] as [(String, RESPParser.Fault)])
  func `What is no value is refused, wherever it is cut, and nothing is read behind it`(
    text: String, fault: RESPParser.Fault
  ) {
    let bytes = Array(text.utf8)
    for cut in 0...bytes.count {
      #expect(Self.read(bytes, cutAt: [cut]) == ([], fault), "cut at \(cut)")
    }
    var parser = RESPParser()
    for piece in [bytes, Array("+OK\r\n".utf8)] {
      var offset = 0
      #expect(throws: fault) { try parser.next(in: piece.span, from: &offset) }
    }
  }

  // MARK: Limits, each at it and one over

  @Test func `Lists stand in each other only so deep`() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "*1\r\n", count: depth) + ":1\r\n").utf8)
    }
    let most = RedisLimits.depthMax
    #expect(Self.read(nested(most)).1 == nil && Self.read(nested(most)).0.count == 1)
    #expect(Self.read(nested(most + 1)).1 == .tooDeep)
  }

  @Test func `A line has at most so many bytes`() {
    let most = RedisLimits.lineBytesMax
    // The type and CR count.
    let fits = String(repeating: "a", count: most - 2)
    #expect(Self.read(Array("+\(fits)\r\n".utf8)).1 == nil)
    #expect(Self.read(Array("+\(fits)a\r\n".utf8)).1 == .lineTooLong)
    // Also one that never ends.
    #expect(Self.read(Array(repeating: 0x2b, count: 1 << 20)).1 == .lineTooLong)
  }

  @Test func `A string has at most so many bytes, and is refused by what is announced`() {
    let most = RedisLimits.stringBytesMax
    let fits = Array("$\(most)\r\n".utf8) + Array(repeating: 0x61, count: most) + [13, 10]
    #expect(Self.read(fits).0.count == 1)
    for type in ["$", "=", "!"] {
      #expect(Self.read(Array("\(type)\(most + 1)\r\n".utf8)).1 == .stringTooLong)
    }
  }

  @Test func `A list has at most so many elements, and is refused by what is announced`() {
    let most = RedisLimits.elementsMax
    for (type, each) in [("*", 1), ("~", 1), (">", 1), ("%", 2), ("|", 2)] {
      #expect(Self.read(Array("\(type)\(most / each)\r\n".utf8)) == ([], nil))
      #expect(Self.read(Array("\(type)\(most / each + 1)\r\n".utf8)).1 == .tooManyElements)
    }
    let full = "*\(most)\r\n" + String(repeating: ":1\r\n", count: most)
    #expect(Self.read(Array(full.utf8)).0.count == 1)
  }

  @Test func `An answer takes at most so much memory, and the next one begins anew`() {
    let most = RedisLimits.answerBytesMax
    let string = RedisLimits.stringBytesMax
    let piece = Array("$\(string)\r\n".utf8) + Array(repeating: 0x61, count: string) + [13, 10]
    // 15 strings and what their values take are below it, 16 above.
    let (below, above) = (most / string - 1, most / string)
    func list(_ count: Int) -> [UInt8] {
      Array("*\(count)\r\n".utf8) + Array(repeatElement(piece, count: count).joined())
    }
    #expect(Self.read(list(below) + list(below)).0.count == 2)
    #expect(Self.read(list(above)).1 == .answerTooLarge)
    // Small elements count too: half as many numbers as fit by count do not by memory.
    let wide = RedisLimits.elementsMax
    let rows = most / RedisLimits.elementBytes / wide + 1
    let row = "*\(wide)\r\n" + String(repeating: ":1\r\n", count: wide)
    let text = "*\(rows)\r\n" + String(repeating: row, count: rows)
    #expect(Self.read(Array(text.utf8)).1 == .answerTooLarge)
  }

  // MARK: Damage

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `Damaged bytes never trap, and read alike in pieces`(
    seed: UInt64
  ) {
    var random = SeededRandom(seed)
    let seeds = Self.good.map { Array($0.0.utf8) }
    for _ in 0..<250 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes += seeds.randomElement(using: &random)!
      }
      for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: Array("*9999999\r\n".utf8).prefix(place), at: place)
        default: bytes[place] = "*$%:+-\r\n_#|>0123456789".utf8.randomElement(using: &random)!
        }
      }
      let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
      #expect(Self.read(bytes) == Self.read(bytes, cutAt: cuts), "seed \(seed): \(bytes)")
    }
  }
}
