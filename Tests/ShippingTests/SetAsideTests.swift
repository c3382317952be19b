import Bytes
import Foundation
import Ledger
import Shipping
import Testing

@Suite struct SetAsideTests {
  private static let target = "otlp://collector.observability:4317"

  private func inDirectory(_ body: (String, DirectoryFiles) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/tg-aside-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path, try DirectoryFiles.creating(path: path))
  }

  private func entries(_ path: String) throws -> [[String: Any]] {
    let file = path + "/" + SetAside.fileName(of: Self.target)
    return try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map { text in
      try #require(
        JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }
  }

  @Test func `Each record has a line with its own, its number, the target and the reason`() throws {
    try inDirectory { path, files in
      let aside = SetAside(files)
      try aside.add([line(7)], of: Self.target, because: "a \"bad\" one\u{1b}")
      try aside.add([line(9), line(10)], of: Self.target, because: "worse")
      let found = try entries(path)
      #expect(found.map { $0["seq"] as? Int } == [7, 9, 10])
      #expect(found.map { $0["reason"] as? String } == ["a \"bad\" one\u{1b}", "worse", "worse"])
      #expect(found.allSatisfy { $0["target"] as? String == Self.target })
      #expect(
        found.map { $0["line"] as? String }
          == [line(7), line(9), line(10)].map { String(decoding: $0.bytes, as: UTF8.self) })
      let attributes = try FileManager.default.attributesOfItem(
        atPath: path + "/" + SetAside.fileName(of: Self.target))
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test func `A line up to its bound is kept, of one over it only the number`() throws {
    try inDirectory { path, files in
      let most = ShippingLimits.setAsideLineBytesMax
      let (whole, over) = (line(1, bytes: most), line(2, bytes: most + 1))
      #expect(whole.bytes.count == most && over.bytes.count == most + 1)
      try SetAside(files).add([whole, over], of: Self.target, because: "bad")
      let found = try entries(path)
      #expect((found[0]["line"] as? String)?.utf8.count == most)
      #expect(found[1]["line"] is NSNull)
    }
  }

  @Test func `A full file takes nothing more, and keeps what it has`() throws {
    try inDirectory { path, files in
      let aside = SetAside(files)
      let large = line(1, bytes: 200_000)
      var count = 0
      let full = SetAside.Problem.full(file: SetAside.fileName(of: Self.target))
      while (count + 1) * 200_300 < ShippingLimits.setAsideBytesMax {
        try aside.add([large], of: Self.target, because: "bad")
        count += 1
      }
      let over = Array(repeating: large, count: 2)
      #expect(throws: full) { try aside.add(over, of: Self.target, because: "bad") }
      #expect(try entries(path).count == count)
      // Another target has a file of its own.
      try aside.add([large], of: "stdout", because: "bad")
    }
  }

  @Test func `A directory that is gone is a problem, not a loss`() throws {
    let files = DirectoryFiles(path: "/nowhere/at/all")
    #expect(throws: SetAside.Problem.self) {
      try SetAside(files).add([line(1)], of: Self.target, because: "bad")
    }
  }
}
