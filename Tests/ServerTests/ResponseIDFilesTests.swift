import Bytes
import Foundation
import Ledger
import Log
import Terms
import Testing

@testable import Gateway
@testable import Server

/// Response ids on disk: written, read again, and what is left of a damaged file.
@Suite(.timeLimit(.minutes(2))) struct ResponseIDFilesTests {
  private static func id(_ number: Int) -> ResponseID {
    ResponseID(Array("resp_\(number)".utf8).span)
  }

  private static func remember(_ ids: ResponseIDs, _ numbers: Range<Int>, tenant: String = "a") {
    ids.remember(numbers.map(id), tenant: tenant, route: "r", tokens: 7)
  }

  private static func knows(_ ids: ResponseIDs, _ number: Int, tenant: String = "a") -> Bool {
    ids.owner(of: id(number), for: tenant)
      == .own(KnownResponse(id: id(number), tenant: tenant, route: "r", tokens: 7))
  }

  /// A directory whose writes fail when they are told to.
  private final class FailingFiles: LedgerFiles {
    let inner: DirectoryFiles
    let code = Locked<Int32?>(nil)

    init(_ directory: TemporaryDirectory) throws {
      inner = try DirectoryFiles.creating(path: directory.path + "/ids")
    }

    private final class File: LedgerFile {
      let inner: any LedgerFile
      let owner: FailingFiles

      init(_ inner: any LedgerFile, _ owner: FailingFiles) {
        self.inner = inner
        self.owner = owner
      }

      func append(_ bytes: [UInt8]) throws(LedgerFault) {
        guard let code = owner.code.withLock({ $0 }) else { return try inner.append(bytes) }
        // Some of it gets there.
        try inner.append(Array(bytes.prefix(bytes.count / 2)))
        throw LedgerFault(call: "write", file: "ids", code: code)
      }

      func synchronize() throws(LedgerFault) { try inner.synchronize() }
    }

    func names() throws(LedgerFault) -> [String] { try inner.names() }
    func size(_ name: String) throws(LedgerFault) -> Int64 { try inner.size(name) }
    func read(_ name: String, at offset: Int64, count: Int) throws(LedgerFault) -> [UInt8] {
      try inner.read(name, at: offset, count: count)
    }
    func create(_ name: String) throws(LedgerFault) -> any LedgerFile {
      File(try inner.create(name), self)
    }
    func rename(_ name: String, to newName: String) throws(LedgerFault) {
      try inner.rename(name, to: newName)
    }
    func remove(_ name: String) throws(LedgerFault) { try inner.remove(name) }
    func synchronizeNames() throws(LedgerFault) { try inner.synchronizeNames() }
  }

  private static func logger(_ capture: LogCapture) -> Logger {
    Logger(level: .debug, format: .json, write: capture.append)
  }

  @Test func `what was written is known after a restart, and after a kill`() throws {
    let directory = try TemporaryDirectory()
    let files = try DirectoryFiles.creating(path: directory.path + "/ids")
    var writer = ResponseIDFiles(files)
    let first = ResponseIDs()
    #expect(writer.load(into: first) == ResponseIDFiles.Found())
    #expect(writer.mustBegin(first))
    try writer.begin(first)
    Self.remember(first, 0..<50)
    Self.remember(first, 50..<60, tenant: "b")
    try writer.append(try #require(first.takeUnwritten()))
    // Nothing is closed: the process is gone.
    let second = ResponseIDs()
    var reader = ResponseIDFiles(files)
    #expect(reader.load(into: second) == ResponseIDFiles.Found())
    #expect(second.count == 60)
    #expect((0..<50).allSatisfy { Self.knows(second, $0) })
    #expect((50..<60).allSatisfy { Self.knows(second, $0, tenant: "b") })
    // The next start writes them anew, into one file.
    try reader.begin(second)
    #expect(try files.names().count == 1)
    let third = ResponseIDs()
    var again = ResponseIDFiles(files)
    _ = again.load(into: third)
    #expect(third.count == 60)
  }

  @Test(arguments: ["9223372036854775807.ids", "9223372036854775806.ids", "-1234567890.ids"])
  func `a file whose number we never gave it ends no start`(name: String) throws {
    let directory = try TemporaryDirectory()
    let files = try DirectoryFiles.creating(path: directory.path + "/ids")
    _ = try files.create(name)
    var writer = ResponseIDFiles(files)
    let ids = ResponseIDs()
    _ = writer.load(into: ids)
    Self.remember(ids, 0..<3)
    try writer.begin(ids)
    let again = ResponseIDs()
    var reader = ResponseIDFiles(files)
    #expect(reader.load(into: again) == ResponseIDFiles.Found())
    #expect(again.count == 3)
    try reader.begin(again)
  }

  @Test func `of a damaged file the good lines are used, wherever it was cut or changed`() throws {
    let directory = try TemporaryDirectory()
    let files = try DirectoryFiles.creating(path: directory.path + "/ids")
    var writer = ResponseIDFiles(files)
    let ids = ResponseIDs()
    Self.remember(ids, 0..<3)
    try writer.begin(ids)
    let name = try #require(try files.names().first)
    let bytes = try files.read(name, at: 0, count: 1 << 20)
    let line = bytes.count / 3
    for cut in 0..<bytes.count {
      try Data(bytes.prefix(cut)).write(to: URL(fileURLWithPath: directory.path + "/ids/" + name))
      let found = ResponseIDs()
      var reader = ResponseIDFiles(files)
      let problems = reader.load(into: found)
      // The last byte of a line is only its end.
      #expect(found.count == (cut + 1) / line, "cut at \(cut)")
      #expect(problems.damagedLines == (cut % line == 0 || (cut + 1) % line == 0 ? 0 : 1))
    }
    for index in 0..<bytes.count {
      var damaged = bytes
      damaged[index] ^= 0x41
      try Data(damaged).write(to: URL(fileURLWithPath: directory.path + "/ids/" + name))
      let found = ResponseIDs()
      var reader = ResponseIDFiles(files)
      #expect(reader.load(into: found).damagedLines > 0)
      #expect(found.count >= 1)
    }
    let junk = [UInt8](repeating: 0x61, count: 3 << 20)
    try Data(junk + [0x0A] + bytes + junk).write(
      to: URL(fileURLWithPath: directory.path + "/ids/" + name))
    let found = ResponseIDs()
    var reader = ResponseIDFiles(files)
    #expect(reader.load(into: found).damagedLines == 2)
    #expect(found.count == 3)
  }

  @Test func `a file that cannot be read does not stop the start`() throws {
    let directory = try TemporaryDirectory()
    let files = try DirectoryFiles.creating(path: directory.path + "/ids")
    try directory.makeDirectory("ids/0000000003.ids")
    try directory.write("ids/other", "x")
    let capture = LogCapture()
    let ids = ResponseIDs()
    let writer = ResponseIDWriter.start(ids, files, log: Self.logger(capture))
    #expect(capture.comes("response_ids_damaged"))
    #expect(writer.stop())
  }

  @Test func `a file does not grow without end`() throws {
    let directory = try TemporaryDirectory()
    let files = try DirectoryFiles.creating(path: directory.path + "/ids")
    var writer = ResponseIDFiles(files)
    var bounds = ResponseIDs.Bounds()
    bounds.perTenantMax = 10
    let ids = ResponseIDs(bounds)
    var begun = 0
    for round in 0..<30 {
      Self.remember(ids, round * 1000..<round * 1000 + 1000)
      let news = try #require(ids.takeUnwritten())
      if writer.mustBegin(ids) {
        begun += 1
        try writer.begin(ids)
      } else {
        try writer.append(news)
      }
    }
    #expect(begun == 2)
    let names = try files.names()
    #expect(names.count == 1)
    let found = ResponseIDs(bounds)
    var reader = ResponseIDFiles(files)
    _ = reader.load(into: found)
    #expect(found.count == 10 && Self.knows(found, 29_999))
  }

  @Test func `a disk that is full stops nobody, is said, and is made good`() throws {
    let directory = try TemporaryDirectory()
    let files = try FailingFiles(directory)
    let capture = LogCapture()
    let ids = ResponseIDs()
    let writer = ResponseIDWriter.start(
      ids, files, log: Self.logger(capture), retrySeconds: 0.01)
    Self.remember(ids, 0..<10)
    files.code.withLock { $0 = 28 }
    Self.remember(ids, 10..<20)
    #expect(capture.comes("response_ids_unwritten"))
    #expect(Self.knows(ids, 15))
    Self.remember(ids, 20..<30)
    files.code.withLock { $0 = nil }
    #expect(capture.comes("response_ids_written"))
    #expect(writer.failures > 0)
    #expect(writer.stop())
    let found = ResponseIDs()
    var reader = ResponseIDFiles(files)
    #expect(reader.load(into: found) == ResponseIDFiles.Found())
    #expect(found.count == 30)
    #expect(try files.names().count == 1)
  }

  @Test func `what comes before the end is written`() throws {
    let directory = try TemporaryDirectory()
    let files = try DirectoryFiles.creating(path: directory.path + "/ids")
    let ids = ResponseIDs()
    let writer = ResponseIDWriter.start(ids, files, log: Self.logger(LogCapture()))
    for number in 0..<200 { Self.remember(ids, number..<number + 1) }
    #expect(writer.stop())
    let found = ResponseIDs()
    var reader = ResponseIDFiles(files)
    _ = reader.load(into: found)
    #expect(found.count == 200)
  }
}
