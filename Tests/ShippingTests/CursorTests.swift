import Bytes
import Foundation
import Ledger
import Shipping
import Testing

@Suite struct CursorTests {
  static let target = "otlp://collector.observability:4317"
  private let cursor = ShipCursor(target: target, seq: 1_234_567)

  @Test(
    arguments: [
      (target, 0), ("stdout", 1), ("otlp+unix:/run/a \"b\\c\u{7}é.sock", Int64.max),
      ("tcp://[::1]:6514", 42),
    ] as [(String, Int64)])
  func `A cursor reads back as it was written`(target: String, seq: Int64) throws {
    let cursor = ShipCursor(target: target, seq: seq)
    #expect(try ShipCursor(cursor.bytes, target: target) == cursor)
  }

  @Test func `A cut at any byte is damage`() {
    let bytes = cursor.bytes
    for count in bytes.indices {
      #expect(throws: ShipCursor.Problem.damaged) {
        try ShipCursor(Array(bytes.prefix(count)), target: Self.target)
      }
    }
  }

  @Test func `A flipped bit anywhere is damage`() {
    for index in cursor.bytes.indices {
      for bit in 0..<8 {
        var bytes = cursor.bytes
        bytes[index] ^= 1 << UInt8(bit)
        #expect(throws: ShipCursor.Problem.damaged, "byte \(index), bit \(bit)") {
          try ShipCursor(bytes, target: Self.target)
        }
      }
    }
  }

  @Test func `What follows it, and another target's, is damage`() {
    #expect(throws: ShipCursor.Problem.damaged) {
      try ShipCursor(cursor.bytes + [10], target: Self.target)
    }
    #expect(throws: ShipCursor.Problem.damaged) {
      try ShipCursor(cursor.bytes, target: "stdout")
    }
    // Swift's strings are equal here, and their bytes are not.
    #expect(throws: ShipCursor.Problem.damaged) {
      try ShipCursor(ShipCursor(target: "tcp:e\u{301}", seq: 1).bytes, target: "tcp:\u{e9}")
    }
  }

  /// A file with the given beginning, sealed.
  private func sealed(_ content: String) -> [UInt8] {
    let digest = SHA256.digest(of: Array(content.utf8).span).hex
    return Array((content + ",\"sha256\":\"\(digest)\"}\n").utf8)
  }

  @Test func `A cursor from before DEL was escaped is still its target's`() throws {
    let target = "tcp:a\u{7f}"
    let bytes = sealed("{\"format\":1,\"target\":\"\(target)\",\"seq\":7")
    #expect(try ShipCursor(bytes, target: target) == ShipCursor(target: target, seq: 7))
    #expect(ShipCursor(target: target, seq: 7).bytes.firstRange(of: Array("\\u007f".utf8)) != nil)
  }

  @Test(arguments: [
    #"{"format":1,"target":"stdout","seq":-1"#, #"{"format":1,"target":"stdout","seq":01"#,
    #"{"format":1,"target":"stdout","seq":1.0"#, #"{"format":1,"target":"stdout","seq":"1""#,
    #"{"format":1,"target":"stdout","seq": 1"#, #"{"format":1,"target":"stdout""#,
    #"{"format":1,"seq":1,"target":"stdout""#, #"{"format":1,"target":"stdout","seq":1,"a":2"#,
    #"{"format":0,"target":"stdout","seq":1"#, #"{"format":"1","target":"stdout","seq":1"#,
    #"{"target":"stdout","seq":1"#, #"["format""#, "",
  ])
  func `What is sealed and no cursor is damage`(content: String) {
    #expect(throws: ShipCursor.Problem.damaged) {
      try ShipCursor(sealed(content), target: "stdout")
    }
  }

  @Test func `A newer format is told from damage by its seal`() {
    let content = #"{"format":2,"targets":[{"a":{"b":[]}}],"seq":1"#
    #expect(throws: ShipCursor.Problem.newerFormat(2)) {
      try ShipCursor(sealed(content), target: "stdout")
    }
    #expect(throws: ShipCursor.Problem.damaged) {
      try ShipCursor(Array((content + "}\n").utf8), target: "stdout")
    }
  }

  @Test func `Its name tells targets apart and is a plain file's`() {
    let names = ["stdout", Self.target, "otlp+unix:/run/a.sock"].map(ShipCursor.fileName)
    #expect(Set(names).count == 3)
    for name in names { #expect(name.utf8.count == 23 && !name.contains("/")) }
  }

  private func temporary() throws -> (path: String, files: DirectoryFiles) {
    let path = FileManager.default.temporaryDirectory.path + "/tg-cursor-" + UUID().uuidString
    return (path, try DirectoryFiles.creating(path: path))
  }

  @Test func `The files are replaced whole, private, and told from damage`() throws {
    let (path, files) = try temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let cursors = CursorFiles(files)
    #expect(cursors.read(Self.target) == .none)
    for seq in 1...3 { try cursors.write(ShipCursor(target: Self.target, seq: Int64(seq))) }
    #expect(cursors.read(Self.target) == .cursor(ShipCursor(target: Self.target, seq: 3)))
    let name = ShipCursor.fileName(of: Self.target)
    #expect(try files.names() == [name])
    let mode = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
    #expect(mode[.posixPermissions] as? Int == 0o600)
    // A crash while one was written leaves its other name.
    try Data("half".utf8).write(to: URL(fileURLWithPath: path + "/\(name).fresh"))
    try cursors.write(ShipCursor(target: Self.target, seq: 4))
    try Data("{}\n".utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    #expect(cursors.read(Self.target) == .unusable(file: name, "it is damaged"))
  }

  @Test func `The instance's id stays, and a damaged one is made anew`() throws {
    let (path, files) = try temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let cursors = CursorFiles(files)
    let first = try cursors.instanceID(random: Array(0..<16))
    #expect(first == "00010203-0405-4607-8809-0a0b0c0d0e0f")
    #expect(try cursors.instanceID(random: Array(repeating: 9, count: 16)) == first)
    try Data("?".utf8).write(to: URL(fileURLWithPath: path + "/instance"))
    let second = try cursors.instanceID(random: Array(repeating: 9, count: 16))
    #expect(second == "09090909-0909-4909-8909-090909090909")
  }
}
