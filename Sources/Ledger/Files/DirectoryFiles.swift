import Glibc

/// The ledger's files in a directory of the file system. All C calls of this target are here and in
/// `DirectoryLock`.
package struct DirectoryFiles: LedgerFiles {
  private let path: String

  /// Uses an existing directory, to read or to write.
  package init(path: String) { self.path = path }

  /// Creates the directory (mode 0700) and its parents (mode 0755, less the umask) where they are
  /// missing.
  package static func creating(path: String) throws(LedgerFault) -> DirectoryFiles {
    var prefix = path.hasPrefix("/") ? "/" : ""
    let parts = path.split(separator: "/")
    for (index, part) in parts.enumerated() {
      prefix += (prefix.isEmpty || prefix == "/" ? "" : "/") + part
      let mode: mode_t = index == parts.count - 1 ? 0o700 : 0o755
      guard unsafe mkdir(prefix, mode) == 0 || errno == EEXIST else {
        throw LedgerFault(call: "mkdir", file: prefix, code: errno)
      }
    }
    return DirectoryFiles(path: path)
  }

  /// Calls opendir(3) and readdir(3).
  package func names() throws(LedgerFault) -> [String] {
    guard let directory = unsafe opendir(path) else { throw fault("opendir", path) }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    // The entry is valid until the next call only, so its name is copied at once.
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Calls statvfs(3).
  package func freeBytes() throws(LedgerFault) -> Int64? {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { throw fault("statvfs", path) }
    return Int64(clamping: Int128(status.f_bavail) * Int128(status.f_frsize))
  }

  /// Calls stat(2).
  package func size(_ name: String) throws(LedgerFault) -> Int64 {
    var status = stat()
    guard unsafe stat(full(name), &status) == 0 else { throw fault("stat", name) }
    return Int64(status.st_size)
  }

  /// Opens the file for each call, so that a file which was replaced is read as it is now.
  package func read(
    _ name: String, at offset: Int64, count: Int
  ) throws(LedgerFault) -> [UInt8] {
    let descriptor = unsafe open(full(name), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("open", name) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      // Inside the array, which outlives the call.
      let got = unsafe bytes.withUnsafeMutableBytes {
        unsafe pread(
          descriptor, $0.baseAddress! + filled, count - filled, off_t(offset) + off_t(filled))
      }
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw fault("pread", name)
      }
      filled += got
    }
    bytes.removeLast(count - filled)
    return bytes
  }

  /// Calls open(2) with mode 0600.
  package func create(_ name: String) throws(LedgerFault) -> any LedgerFile {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC
    let descriptor = unsafe open(full(name), flags, 0o600)
    guard descriptor >= 0 else { throw fault("open", name) }
    return AppendedFile(directory: path, name: name, descriptor: descriptor)
  }

  /// Calls rename(2).
  package func rename(_ name: String, to newName: String) throws(LedgerFault) {
    guard unsafe Glibc.rename(full(name), full(newName)) == 0 else { throw fault("rename", name) }
  }

  /// Calls unlink(2).
  package func remove(_ name: String) throws(LedgerFault) {
    guard unsafe unlink(full(name)) == 0 else { throw fault("unlink", name) }
  }

  /// Calls fsync(2) on the directory.
  package func synchronizeNames() throws(LedgerFault) {
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw fault("fsync", path) }
  }

  private func full(_ name: String) -> String { path + "/" + name }

  private func fault(_ call: String, _ file: String) -> LedgerFault {
    LedgerFault(call: call, file: file, code: errno)
  }
}

/// A file that `DirectoryFiles` created.
private final class AppendedFile: LedgerFile {
  private let directory: String
  private let name: String
  private let descriptor: Int32

  init(directory: String, name: String, descriptor: Int32) {
    self.directory = directory
    self.name = name
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  func append(_ bytes: [UInt8]) throws(LedgerFault) {
    var written = 0
    while written < bytes.count {
      // Inside the array, which outlives the call.
      let count = unsafe bytes.withUnsafeBytes {
        unsafe write(descriptor, $0.baseAddress! + written, bytes.count - written)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw LedgerFault(call: "write", file: name, code: errno)
      }
      written += count
    }
  }

  func synchronize() throws(LedgerFault) {
    guard fdatasync(descriptor) == 0 else {
      throw LedgerFault(call: "fdatasync", file: name, code: errno)
    }
  }

  func isStill(named name: String) -> Bool {
    FileIdentity.isSame(descriptor, path: directory + "/" + name)
  }
}

/// Which file a name stands for.
enum FileIdentity {
  /// Whether the path names the file of that descriptor. A call that fails for another reason than that
  /// there is no such file says nothing against it.
  static func isSame(_ descriptor: Int32, path: String) -> Bool {
    var (open, named) = (stat(), stat())
    guard unsafe fstat(descriptor, &open) == 0 else { return true }
    guard unsafe stat(path, &named) == 0 else { return errno != ENOENT && errno != ENOTDIR }
    return open.st_dev == named.st_dev && open.st_ino == named.st_ino
  }
}

extension LedgerFault: CustomStringConvertible {
  /// File, call and the error's text, as in `00000000000000000001.jsonl: write: No space left on
  /// device`.
  package var description: String {
    switch call {
    case Self.lostLockCall:
      "\(file) was removed or replaced while this process had the lock: another process may use the"
        + " ledger, so this one must be restarted"
    case Self.lostSegmentCall:
      "\(file) was removed or replaced while it was written: its records are lost, unless somebody"
        + " puts the file back"
    default:
      // glibc's texts for known codes are constants; the text is copied at once.
      "\(file): \(call): \(unsafe String(cString: strerror(code)))"
    }
  }

  /// Whether the file does not exist, perhaps because it was removed meanwhile.
  package var isMissingFile: Bool { code == ENOENT }
}
