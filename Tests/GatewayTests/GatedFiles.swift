import Foundation
import Ledger

/// A ledger's directory in memory, whose flushes can be held up or fail.
final class GatedFiles: LedgerFiles, @unchecked Sendable {
  fileprivate struct Content {
    var bytes: [UInt8] = []
    var flushedCount = 0
  }

  private let condition = NSCondition()
  private var contents: [String: Content] = [:]
  /// What open files are called by now.
  private var renamed: [String: String] = [:]
  private var isShut = false
  private var code: Int32?

  init() {}

  /// What a crash leaves of the files: what was flushed.
  func crashed() -> GatedFiles {
    let copy = GatedFiles()
    condition.withLock {
      copy.contents = contents.mapValues { content in
        let bytes = Array(content.bytes.prefix(content.flushedCount))
        return Content(bytes: bytes, flushedCount: bytes.count)
      }
    }
    return copy
  }

  /// Flushes wait from now on.
  func shut() { condition.withLock { isShut = true } }

  /// Flushes wait no more.
  func open() {
    condition.withLock {
      isShut = false
      condition.broadcast()
    }
  }

  /// Writes and flushes fail from now on, or no more.
  func fail(_ code: Int32?) { condition.withLock { self.code = code } }

  func names() throws(LedgerFault) -> [String] { condition.withLock { Array(contents.keys) } }

  func size(_ name: String) throws(LedgerFault) -> Int64 {
    Int64(condition.withLock { contents[name]?.bytes.count ?? 0 })
  }

  func read(_ name: String, at offset: Int64, count: Int) throws(LedgerFault) -> [UInt8] {
    condition.withLock { Array((contents[name]?.bytes ?? []).dropFirst(Int(offset)).prefix(count)) }
  }

  func create(_ name: String) throws(LedgerFault) -> any LedgerFile {
    try change("open", name) {
      contents[name] = Content()
      renamed[name] = nil
    }
    return GatedFile(files: self, name: name)
  }

  func rename(_ name: String, to newName: String) throws(LedgerFault) {
    try change("rename", name) {
      contents[newName] = contents.removeValue(forKey: name)
      renamed[name] = newName
    }
  }

  func remove(_ name: String) throws(LedgerFault) {
    try change("unlink", name) { contents[name] = nil }
  }

  func synchronizeNames() throws(LedgerFault) { try change("fsync", ".") {} }

  fileprivate func append(_ name: String, _ bytes: [UInt8]) throws(LedgerFault) {
    try change("write", name) { contents[renamed[name] ?? name]?.bytes += bytes }
  }

  fileprivate func synchronize(_ name: String) throws(LedgerFault) {
    condition.withLock { while isShut { condition.wait() } }
    try change("fdatasync", name) {
      let name = renamed[name] ?? name
      let count = contents[name]?.bytes.count ?? 0
      contents[name]?.flushedCount = count
    }
  }

  private func change(
    _ call: String, _ name: String, _ body: () -> Void
  ) throws(LedgerFault) {
    let failed: Int32? = condition.withLock {
      if code == nil { body() }
      return code
    }
    if let code = failed { throw LedgerFault(call: call, file: name, code: code) }
  }
}

private final class GatedFile: LedgerFile {
  private let files: GatedFiles
  private let name: String

  init(files: GatedFiles, name: String) {
    self.files = files
    self.name = name
  }

  func append(_ bytes: [UInt8]) throws(LedgerFault) { try files.append(name, bytes) }
  func synchronize() throws(LedgerFault) { try files.synchronize(name) }
}
