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
