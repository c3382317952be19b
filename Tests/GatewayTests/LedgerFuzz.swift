import Bytes
import Foundation
import Ledger

@testable import Gateway

/// A ledger's directory in memory, whose files are given.
final class FuzzFiles: LedgerFiles, @unchecked Sendable {
  private let lock = NSLock()
  private var contents: [String: [UInt8]]
  private var renamed: [String: String] = [:]

  init(_ contents: [String: [UInt8]] = [:]) { self.contents = contents }

  /// Every file as it reads now.
  var snapshot: [String: [UInt8]] { lock.withLock { contents } }

  func names() throws(LedgerFault) -> [String] { lock.withLock { Array(contents.keys) } }

  func size(_ name: String) throws(LedgerFault) -> Int64 {
    Int64(lock.withLock { contents[name]?.count ?? 0 })
  }

  func read(_ name: String, at offset: Int64, count: Int) throws(LedgerFault) -> [UInt8] {
    lock.withLock { Array((contents[name] ?? []).dropFirst(Int(offset)).prefix(count)) }
  }

  func create(_ name: String) throws(LedgerFault) -> any LedgerFile {
    lock.withLock {
      contents[name] = []
      renamed[name] = nil
    }
    return FuzzFile(files: self, name: name)
  }

  func rename(_ name: String, to newName: String) throws(LedgerFault) {
    lock.withLock {
      contents[newName] = contents.removeValue(forKey: name)
      renamed[name] = newName
    }
  }

  func remove(_ name: String) throws(LedgerFault) { lock.withLock { contents[name] = nil } }

  func synchronizeNames() throws(LedgerFault) {}

  fileprivate func append(_ name: String, _ bytes: [UInt8]) {
    lock.withLock { contents[renamed[name] ?? name, default: []] += bytes }
  }
}

private final class FuzzFile: LedgerFile {
  private let files: FuzzFiles
  private let name: String

  init(files: FuzzFiles, name: String) {
    self.files = files
    self.name = name
  }

  func append(_ bytes: [UInt8]) throws(LedgerFault) { files.append(name, bytes) }
  func synchronize() throws(LedgerFault) {}
}

/// Damages a ledger so that its hash chain holds: what the records say is then all that is wrong.
struct LedgerMutation {
  /// A line without its hash.
  typealias Line = [JSONValue.Member]

  private(set) var segments: [[Line]]
  private var random: Xoshiro256
  /// What was done, for the message of a failed test.
  private(set) var steps: [String] = []

  private static let numbers = [
    "0", "1", "-1", "2", "9223372036854775807", "-9223372036854775808", "9223372036854775806",
    "4611686018427387904", "-4611686018427387905", "18446744073709551616", "0.5", "1e400",
    "1000000",
  ]
  private static let texts = [
    "", "/", "tenant/a/x", "tenant/a/rpm", "tenant/a/rpm/subject/y", "global/%", "deny", "allow",
    "9999-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2026-02-30T00:00:00.000Z",
    "concurrent", "usd", "checkpoint", "completion", "clock", "interrupted",
  ]

  /// Reads a whole ledger's lines.
  init(_ files: [String: [UInt8]], seed: UInt64) throws {
    random = Xoshiro256(words: (seed, 3, 5, 7))
    segments = try files.sorted { $0.key < $1.key }.filter { $0.key.hasSuffix(".jsonl") }.map {
      try $0.value.split(separator: UInt8(ascii: "\n")).map { line in
        guard case .object(let members) = try LedgerFormat.json(Array(line)) else { return [] }
        return members.filter { $0.name != "hash" }
      }
    }
  }

  private mutating func draw(_ below: Int) -> Int { Int(random.next() % UInt64(max(1, below))) }

  /// Some damage of every kind.
  mutating func damage() {
    for _ in 0...draw(4) {
      switch draw(10) {
      case 0: joinSegments()
      case 1: moveLine()
      case 2: repeatLine()
      case 3: removeLine()
      default: changeLine()
      }
    }
  }

  /// All records in one segment, as somebody has them who kept what was shipped.
  mutating func joinSegments() {
    steps.append("join")
    segments = [segments.flatMap { $0 }]
  }

  /// The last checkpoint has a counter that cannot be.
  mutating func breakLastCheckpoint() {
    let last = segments.count - 1
    for index in segments[last][0].indices where segments[last][0][index].name == "counters" {
      segments[last][0][index].value = .array([
        .object([
          JSONValue.Member(name: "counter", value: .string("tenant/a/tpd")),
          JSONValue.Member(name: "kind", value: .string("tokens")),
          JSONValue.Member(name: "amount", value: .number("-1")),
          JSONValue.Member(name: "open", value: .number("0")),
        ])
      ])
    }
  }

  private mutating func place() -> (segment: Int, line: Int) {
    let segment = draw(segments.count)
    return (segment, draw(segments[segment].count))
  }

  private mutating func moveLine() {
    let (from, to) = (place(), place())
    guard segments[from.segment].count > 1 else { return }
    steps.append("move \(from) \(to)")
    let line = segments[from.segment].remove(at: from.line)
    segments[to.segment].insert(line, at: min(to.line, segments[to.segment].count))
  }

  private mutating func repeatLine() {
    let (from, to) = (place(), place())
    steps.append("repeat \(from) \(to)")
    segments[to.segment].insert(segments[from.segment][from.line], at: to.line)
  }

  private mutating func removeLine() {
    let at = place()
    guard segments[at.segment].count > 1 else { return }
    steps.append("remove \(at)")
    segments[at.segment].remove(at: at.line)
  }

  private mutating func changeLine() {
    let at = place()
    var value = JSONValue.object(segments[at.segment][at.line])
    change(&value, where: "\(at)")
    if case .object(let members) = value { segments[at.segment][at.line] = members }
  }

  /// Changes one value somewhere inside.
  private mutating func change(_ value: inout JSONValue, where path: String) {
    switch value {
    case .object(var members) where !members.isEmpty && draw(8) > 0:
      let index = draw(members.count)
      let name = members[index].name
      switch draw(12) {
      case 0:
        steps.append("\(path) without \(name)")
        members.remove(at: index)
      case 1:
        steps.append("\(path) twice \(name)")
        members.append(members[index])
      default: change(&members[index].value, where: path + "." + name)
      }
      value = .object(members)
    case .array(var elements) where !elements.isEmpty && draw(8) > 0:
      let index = draw(elements.count)
      switch draw(8) {
      case 0: elements.remove(at: index)
      case 1: elements.append(elements[index])
      default: change(&elements[index], where: path + "[\(index)]")
      }
      value = .array(elements)
    default:
      value = other(than: value)
      steps.append("\(path) = \(String(decoding: LedgerMutation.text(value), as: UTF8.self))")
    }
  }

  private mutating func other(than value: JSONValue) -> JSONValue {
    let kind = draw(10) == 0 ? draw(6) : -1
    switch (kind, value) {
    case (-1, .number), (0, _): return .number(Self.numbers[draw(Self.numbers.count)])
    case (-1, .string), (1, _): return .string(Self.texts[draw(Self.texts.count)])
    case (2, _): return .null
    case (3, _): return .array([])
    case (4, _): return .object([])
    default: return .bool(draw(2) == 0)
    }
  }

  // MARK: Writing

  /// The files, with the chain and mostly the numbers made whole again.
  mutating func files() -> [String: [UInt8]] { files(renumbering: draw(4) > 0) }

  /// The files, with the chain and, if asked for, the numbers made whole again.
  func files(renumbering renumbers: Bool) -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    var chain = Chain()
    var seq: Int64 = 1
    for lines in segments {
      let name = Segment(firstSeq: seq).name
      var bytes: [UInt8] = []
      for line in lines {
        var members = line
        for index in members.indices {
          switch members[index].name {
          case "previous_hash": members[index].value = .string(chain.head.hex)
          case "seq" where renumbers: members[index].value = .number(String(seq))
          default: break
          }
        }
        var text = Array(Self.text(.object(members)).dropLast())
        chain.seal(&text)
        bytes += text
        seq += 1
      }
      result[name] = bytes
    }
    return result
  }

  private static func text(_ value: JSONValue) -> [UInt8] {
    switch value {
    case .null: return Array("null".utf8)
    case .bool(let flag): return Array(String(flag).utf8)
    case .number(let text): return Array(text.utf8)
    case .string(let text):
      var writer = JSONWriter()
      writer.beginObject()
      writer.field("v", text)
      return Array(writer.bytes.dropFirst("{\"v\":".utf8.count))
    case .array(let elements):
      return Array("[".utf8) + elements.map { text($0) }.joined(separator: Array(",".utf8))
        + Array("]".utf8)
    case .object(let members):
      let inner = members.map { text(.string($0.name)) + Array(":".utf8) + text($0.value) }
      return Array("{".utf8) + inner.joined(separator: Array(",".utf8)) + Array("}".utf8)
    }
  }
}
