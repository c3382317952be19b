import CLinux
import Glibc

/// What stat(2) says of a file, as far as it is needed to see that the file has changed.
struct FileIdentity: Equatable, Sendable {
  /// Device and inode together identify a file on this machine.
  let device: UInt64
  let inode: UInt64
  let sizeBytes: Int
  let modifiedNanoseconds: Int64
  /// The file's type and its permissions.
  let mode: UInt32

  var isRegular: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }
  var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
  var isSocket: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    sizeBytes = Int(status.st_size)
    modifiedNanoseconds =
      Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    mode = UInt32(status.st_mode)
  }
}

/// Files and directories.
extension Kernel {
  /// close(2). Not tried again after EINTR: on Linux the descriptor is closed by then.
  static func close(_ descriptor: Int32) {
    let result = Glibc.close(descriptor)
    precondition(result == 0 || errno != EBADF, "a descriptor is closed once")
  }

  /// open(2) for reading; does not wait for the writer of a FIFO.
  static func openToRead(_ path: String) throws(SystemError) -> Descriptor {
    try open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
  }

  /// open(2) of a directory, to lock it.
  static func openDirectory(_ path: String) throws(SystemError) -> Descriptor {
    try open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  }

  private static func open(_ path: String, _ flags: Int32) throws(SystemError) -> Descriptor {
    Descriptor(owning: try syscall("open") { unsafe Glibc.open(path, flags) })
  }

  /// Locks a file or directory until the descriptor is closed: flock(2). Waits while another
  /// process has the lock.
  static func lockExclusively(_ descriptor: Descriptor) throws(SystemError) {
    _ = try syscall("flock") { flock(descriptor.raw, LOCK_EX) }
  }

  /// read(2) into `buffer` from its start; returns how many bytes came, 0 at the file's end.
  static func read(
    _ descriptor: Descriptor, into buffer: inout [UInt8]
  ) throws(SystemError) -> Int {
    let count = buffer.count
    return try syscall("read") {
      unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor.raw, $0.baseAddress, count)
      }
    }
  }

  /// write(2) of `bytes` from `start` on; returns how many of them were taken.
  static func write(
    _ descriptor: Int32, _ bytes: [UInt8], from start: Int
  ) throws(SystemError) -> Int {
    try syscall("write") {
      unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress! + start, bytes.count - start)
      }
    }
  }

  /// fstat(2).
  static func identity(of descriptor: Descriptor) throws(SystemError) -> FileIdentity {
    var status = stat()
    _ = try syscall("fstat") { unsafe fstat(descriptor.raw, &status) }
    return FileIdentity(status)
  }

  /// stat(2): of the file that a symbolic link leads to.
  static func identity(ofFile path: String) throws(SystemError) -> FileIdentity {
    var status = stat()
    _ = try syscall("stat") { unsafe stat(path, &status) }
    return FileIdentity(status)
  }

  /// lstat(2): of the symbolic link itself, where `path` is one.
  static func identity(ofLink path: String) throws(SystemError) -> FileIdentity {
    var status = stat()
    _ = try syscall("lstat") { unsafe lstat(path, &status) }
    return FileIdentity(status)
  }

  /// unlink(2).
  static func unlink(_ path: String) throws(SystemError) {
    _ = try syscall("unlink") { unsafe Glibc.unlink(path) }
  }

  /// chmod(2).
  static func changeMode(_ path: String, to mode: UInt32) throws(SystemError) {
    _ = try syscall("chmod") { unsafe chmod(path, mode) }
  }

  /// fchmod(2).
  static func changeMode(of descriptor: Descriptor, to mode: UInt32) throws(SystemError) {
    _ = try syscall("fchmod") { fchmod(descriptor.raw, mode) }
  }

  /// The path without symbolic links: realpath(3). nil where no file is there.
  static func resolved(_ path: String) -> String? {
    // Freed here; the text is copied before.
    guard let text = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  /// The names in a directory, in no order, without `.` and `..`; at most one more than `limit`, so
  /// that the caller sees that there are too many.
  static func names(inDirectory path: String, limit: Int) throws(SystemError) -> [String] {
    guard let directory = unsafe opendir(path) else {
      throw SystemError(call: "opendir", code: errno)
    }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    // The entry belongs to the stream until the next call: its name is copied at once.
    while names.count <= limit, let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// An open descriptor of no use, to be closed when one is needed and none is left. nil where none
  /// is left now.
  static func spareDescriptor() -> Descriptor? {
    try? open("/dev/null", O_RDONLY | O_CLOEXEC)
  }
}
