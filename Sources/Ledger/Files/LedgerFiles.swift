/// A file operation that failed: which one, on what, and the errno it left.
package struct LedgerFault: Error, Equatable, Sendable {
  /// The system call's name.
  package let call: String
  /// The file's name inside the ledger, or the directory's path.
  package let file: String
  package let code: Int32

  package init(call: String, file: String, code: Int32) {
    self.call = call
    self.file = file
    self.code = code
  }
}

/// The one directory a ledger lives in. Names are plain file names.
package protocol LedgerFiles: Sendable {
  /// Every name in the directory, in no order.
  func names() throws(LedgerFault) -> [String]
  func size(_ name: String) throws(LedgerFault) -> Int64
  /// Up to `count` bytes from `offset`; fewer only where the file ends.
  func read(_ name: String, at offset: Int64, count: Int) throws(LedgerFault) -> [UInt8]
  /// A new file, which must not be there yet.
  func create(_ name: String) throws(LedgerFault) -> any LedgerFile
  /// Replaces what has the new name.
  func rename(_ name: String, to newName: String) throws(LedgerFault)
  func remove(_ name: String) throws(LedgerFault)
  /// Makes created, renamed and removed names durable.
  func synchronizeNames() throws(LedgerFault)
}

/// A file that is only appended to, closed when the last reference goes.
package protocol LedgerFile: AnyObject {
  /// Writes all of it, or throws with any part of it written.
  func append(_ bytes: [UInt8]) throws(LedgerFault)
  /// Returns when everything appended is on disk.
  func synchronize() throws(LedgerFault)
}
