import Bytes
import Glibc

/// Keeps other processes from using a data directory, as long as this object lives: flock(2) on
/// `DIR/lock`. The file contains the pid of the process that holds the lock, for messages.
package final class DirectoryLock: Sendable {
  private let descriptor: Int32
  /// The lock file's path.
  let path: String
  private let wasLost = Locked(false)

  /// Why the lock cannot be taken or read.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process holds it; `pid` is nil where the file does not contain one.
    case held(path: String, pid: Int32?)
    /// A file operation failed.
    case failed(LedgerFault)

    /// The text for the log and for standard error.
    package var description: String {
      switch self {
      case .held(let path, let pid):
        "\(path) is used by " + (pid.map { "process \($0)" } ?? "another process")
      case .failed(let fault): fault.description
      }
    }
  }

  /// How often the lock is asked for, 5 ms apart. It is asked for again because `holder` shares the
  /// lock for a moment, and because a killed process may need a moment to end.
  package static let attemptsMax = 50
  private static let pauseMicroseconds: UInt32 = 5_000

  private init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Whether the lock file is still there, and always was: else another process may have made and
  /// locked a new one, and may have written.
  var isInPlace: Bool {
    wasLost.withLock { wasLost in
      wasLost = wasLost || !FileIdentity.isSame(descriptor, path: path)
      return !wasLost
    }
  }

  deinit { close(descriptor) }

  /// Takes the lock of `directory`, which must exist; throws `held` where another process has it.
  /// Calls `pause` between two attempts, and so waits for a quarter of a second at most.
  package static func take(
    directory: String, pause: () -> Void = { _ = usleep(pauseMicroseconds) }
  ) throws(Problem) -> DirectoryLock {
    let path = directory + "/lock"
    var attempts = 1
    while true {
      // Opened each time: the file may have been replaced since.
      let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        throw .failed(LedgerFault(call: "open", file: path, code: errno))
      }
      let lock = DirectoryLock(descriptor: descriptor, path: path)
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        if lock.isInPlace {
          lock.writePID()
          return lock
        }
        // Removed between the two calls: whoever did that may have locked another.
      } else if errno != EWOULDBLOCK && errno != EINTR {
        throw .failed(LedgerFault(call: "flock", file: path, code: errno))
      }
      guard attempts < attemptsMax else {
        throw .held(path: directory, pid: lock.writtenPID())
      }
      attempts += 1
      pause()
    }
  }

  /// The pid of the process that holds the lock of `directory` now; nil where there is none. Writes
  /// nothing.
  package static func holder(directory: String) throws(Problem) -> Int32? {
    let path = directory + "/lock"
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .failed(LedgerFault(call: "open", file: path, code: errno))
    }
    let lock = DirectoryLock(descriptor: descriptor, path: path)
    // A shared lock is refused while another process has the exclusive one. Where it is granted,
    // the descriptor's owner, `lock`, gives it back on return.
    if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return nil }
    guard errno == EWOULDBLOCK else {
      throw .failed(LedgerFault(call: "flock", file: path, code: errno))
    }
    guard let pid = lock.writtenPID(), pid > 0 else { throw .held(path: directory, pid: nil) }
    return pid
  }

  private func writtenPID() -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    // Inside the array, which outlives the call.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    guard count > 0 else { return nil }
    let digits = bytes.prefix(count).prefix { (0x30...0x39).contains($0) }
    return Int32(String(decoding: digits, as: UTF8.self))
  }

  /// The pid is only for messages: the lock is valid even if the pid cannot be written (disk full).
  private func writePID() {
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }
}
