/// The files of a ledger whose directory this process has locked. Where the lock file was removed or
/// replaced, another process may have taken the lock: from then on nothing is written, and nothing that
/// was written counts.
///
/// The lock is looked at behind every flush: whoever takes the lock later reads what was flushed before.
package struct OwnedFiles: LedgerFiles {
  private let files: any LedgerFiles
  private let lock: DirectoryLock

  /// `lock` is that of the data directory that `files` are in.
  package init(_ files: any LedgerFiles, lock: DirectoryLock) {
    self.files = files
    self.lock = lock
  }

  package func checkOwner() throws(LedgerFault) {
    guard lock.isInPlace else { throw .lostLock(lock.path) }
  }

  package func freeBytes() throws(LedgerFault) -> Int64? { try files.freeBytes() }
  package func names() throws(LedgerFault) -> [String] { try files.names() }
  package func size(_ name: String) throws(LedgerFault) -> Int64 { try files.size(name) }

  package func read(
    _ name: String, at offset: Int64, count: Int
  ) throws(LedgerFault) -> [UInt8] {
    try files.read(name, at: offset, count: count)
  }

  package func create(_ name: String) throws(LedgerFault) -> any LedgerFile {
    try checkOwner()
    return OwnedFile(try files.create(name), of: self)
  }

  package func rename(_ name: String, to newName: String) throws(LedgerFault) {
    try checkOwner()
    try files.rename(name, to: newName)
  }

  package func remove(_ name: String) throws(LedgerFault) {
    try checkOwner()
    try files.remove(name)
  }

  package func synchronizeNames() throws(LedgerFault) {
    try files.synchronizeNames()
    try checkOwner()
  }
}

/// A file that `OwnedFiles` created.
private final class OwnedFile: LedgerFile {
  private let file: any LedgerFile
  private let owner: OwnedFiles

  init(_ file: any LedgerFile, of owner: OwnedFiles) {
    self.file = file
    self.owner = owner
  }

  func append(_ bytes: [UInt8]) throws(LedgerFault) { try file.append(bytes) }

  func synchronize() throws(LedgerFault) {
    try file.synchronize()
    try owner.checkOwner()
  }

  func isStill(named name: String) -> Bool { file.isStill(named: name) }
}
