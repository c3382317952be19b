import Foundation
import Ledger

/// A directory in memory that knows what a crash would leave, and fails where it is told to.
final class MemoryFiles: LedgerFiles, @unchecked Sendable {
  enum Failure: Equatable {
    /// Nothing of the operation happens.
    case before(Int32)
    /// A write puts that many bytes, then fails; a flush or a name change happens, then fails.
    case after(Int32, bytes: Int)
  }

  fileprivate struct Content {
    var bytes: [UInt8] = []
    var durableCount = 0
  }

  private let lock = NSLock()
  private var contents: [String: Content] = [:]
  /// An open file keeps its name when it is renamed; what it is called by now.
  private var renamed: [String: String] = [:]
  private var failures: [Int: Failure] = [:]
  private var operation = 0
  private var roomBytes = Int.max
  private var appended: [[UInt8]] = []
  private var unflushed = 0

  init() {}

  init(_ files: [String: [UInt8]]) {
    contents = files.mapValues { Content(bytes: $0, durableCount: $0.count) }
  }

  /// Every file as it reads now.
  var snapshot: [String: [UInt8]] { locked { contents.mapValues(\.bytes) } }
  /// How many operations that change something there were.
  var operationCount: Int { locked { operation } }

  func fail(at operation: Int, _ failure: Failure) { locked { failures[operation] = failure } }
  func limitRoom(to bytes: Int) { locked { roomBytes = bytes } }

  /// What a crash leaves when that share (in 256ths) of each file's unflushed bytes reached the disk.
  func crashed(keeping share: Int) -> MemoryFiles {
    MemoryFiles(
      locked {
        contents.mapValues { content in
          let unflushed = content.bytes.count - content.durableCount
          return Array(content.bytes.prefix(content.durableCount + unflushed * share / 256))
        }
      })
  }

  /// What a loss of power leaves where all was stored but the sector of that number behind each
  /// file's flushed end.
  func crashed(withHoleAt sector: Int) -> MemoryFiles {
    MemoryFiles(
      locked {
        contents.mapValues { content in
          var bytes = content.bytes
          let start = (content.durableCount / 512 + sector) * 512
          for at in max(start, content.durableCount)..<max(start, content.durableCount) + 512
          where at < min(start + 512, bytes.count) { bytes[at] = 0 }
          return bytes
        }
      })
  }

  /// Every append so far, and how many bytes of its file were not flushed when the last one came.
  var appends: [[UInt8]] { locked { appended } }
  var unflushedAtLastAppend: Int { locked { unflushed } }

  func names() throws(LedgerFault) -> [String] { locked { Array(contents.keys) } }

  func size(_ name: String) throws(LedgerFault) -> Int64 {
    guard let content = locked({ contents[name] }) else { throw missing("stat", name) }
    return Int64(content.bytes.count)
  }

  func read(_ name: String, at offset: Int64, count: Int) throws(LedgerFault) -> [UInt8] {
    guard let content = locked({ contents[name] }) else { throw missing("open", name) }
    guard offset < content.bytes.count else { return [] }
    return Array(content.bytes[Int(offset)...].prefix(count))
  }

  func create(_ name: String) throws(LedgerFault) -> any LedgerFile {
    try perform("open", name) {
      $0[name] == nil ? nil : EEXIST
    } then: { contents, _ in
      contents[name] = Content()
      renamed[name] = nil
    }
    return MemoryFile(files: self, name: name)
  }

  func rename(_ name: String, to newName: String) throws(LedgerFault) {
    try perform("rename", name) {
      $0[name] == nil ? ENOENT : nil
    } then: { contents, _ in
      contents[newName] = contents.removeValue(forKey: name)
      renamed[name] = newName
    }
  }

  func remove(_ name: String) throws(LedgerFault) {
    try perform("unlink", name) {
      $0[name] == nil ? ENOENT : nil
    } then: { contents, _ in
      contents[name] = nil
    }
  }

  func synchronizeNames() throws(LedgerFault) {
    try perform("fsync", ".") { _ in
      nil
    } then: { _, _ in
    }
  }

  fileprivate func append(_ opened: String, _ bytes: [UInt8]) throws(LedgerFault) {
    let name = locked { renamed[opened] ?? opened }
    let room = locked { roomBytes - contents.values.reduce(0) { $0 + $1.bytes.count } }
    let fitting = Array(bytes.prefix(max(0, room)))
    try perform("write", name) { _ in
      nil
    } then: { contents, limit in
      appended.append(fitting)
      unflushed = contents[name].map { $0.bytes.count - $0.durableCount } ?? 0
      contents[name]?.bytes += fitting.prefix(limit)
    }
    if fitting.count < bytes.count {
      throw LedgerFault(call: "write", file: name, code: ENOSPC)
    }
  }

  fileprivate func synchronize(_ opened: String) throws(LedgerFault) {
    let name = locked { renamed[opened] ?? opened }
    try perform("fdatasync", name) { _ in
      nil
    } then: { contents, _ in
      let count = contents[name]?.bytes.count ?? 0
      contents[name]?.durableCount = count
    }
  }

  private func missing(_ call: String, _ name: String) -> LedgerFault {
    LedgerFault(call: call, file: name, code: ENOENT)
  }

  private func perform(
    _ call: String, _ name: String, check: ([String: Content]) -> Int32?,
    then change: (inout [String: Content], Int) -> Void
  ) throws(LedgerFault) {
    let code: Int32? = locked {
      operation += 1
      if let code = check(contents) { return code }
      switch failures[operation] {
      case nil:
        change(&contents, .max)
        return nil
      case .before(let code): return code
      case .after(let code, let bytes):
        change(&contents, bytes)
        return code
      }
    }
    if let code { throw LedgerFault(call: call, file: name, code: code) }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body()
  }
}

private final class MemoryFile: LedgerFile {
  private let files: MemoryFiles
  private let name: String

  init(files: MemoryFiles, name: String) {
    self.files = files
    self.name = name
  }

  func append(_ bytes: [UInt8]) throws(LedgerFault) { try files.append(name, bytes) }
  func synchronize() throws(LedgerFault) { try files.synchronize(name) }
}
