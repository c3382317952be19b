/// A file operation that failed.
package struct LedgerFault: Error, Equatable, Sendable {
  /// The system call's name.
  package let call: String
  /// The file's name inside the ledger, or the directory's path.
  package let file: String
  /// The value of `errno`.
  package let code: Int32

  package init(call: String, file: String, code: Int32) {
    self.call = call
    self.file = file
    self.code = code
  }

  /// The data directory's lock file was removed or replaced while this process had the lock: another
  /// process may have it now.
  package static func lostLock(_ path: String) -> LedgerFault {
    LedgerFault(call: lostLockCall, file: path, code: 0)
  }

  /// The segment that was written was removed or replaced.
  package static func lostSegment(_ name: String) -> LedgerFault {
    LedgerFault(call: lostSegmentCall, file: name, code: 0)
  }

  static let lostLockCall = "lock"
  static let lostSegmentCall = "segment"
}

/// The directory of a ledger. Names are file names without a path.
package protocol LedgerFiles: Sendable {
  /// Every name in the directory, in no particular order.
  func names() throws(LedgerFault) -> [String]
  /// The file's length in bytes.
  func size(_ name: String) throws(LedgerFault) -> Int64
  /// Up to `count` bytes from `offset`; fewer only where the file ends.
  func read(_ name: String, at offset: Int64, count: Int) throws(LedgerFault) -> [UInt8]
  /// Creates a file, to be appended to; throws where there is one with that name.
  func create(_ name: String) throws(LedgerFault) -> any LedgerFile
  /// Renames a file. A file that has the new name already is replaced.
  func rename(_ name: String, to newName: String) throws(LedgerFault)
  /// Removes a file.
  func remove(_ name: String) throws(LedgerFault)
  /// Returns when all created, renamed and removed names are on disk.
  func synchronizeNames() throws(LedgerFault)
  /// Throws where the files are not this process's alone any more.
  func checkOwner() throws(LedgerFault)
  /// How many bytes this process may still write on the files' disk; nil where that is not known.
  func freeBytes() throws(LedgerFault) -> Int64?
}

extension LedgerFiles {
  /// Nothing can be found out.
  package func checkOwner() throws(LedgerFault) {}
  package func freeBytes() throws(LedgerFault) -> Int64? { nil }
}

/// A file that is only appended to. It is closed when the last reference to it is released.
package protocol LedgerFile: AnyObject {
  /// Writes all bytes. Where it throws, some of them may have been written.
  func append(_ bytes: [UInt8]) throws(LedgerFault)
  /// Returns when everything appended is on disk.
  func synchronize() throws(LedgerFault)
  /// Whether the file of that name in the directory is this one: nobody has removed or replaced it.
  func isStill(named name: String) -> Bool
}

extension LedgerFile {
  /// Nothing can be found out.
  package func isStill(named name: String) -> Bool { true }
}
