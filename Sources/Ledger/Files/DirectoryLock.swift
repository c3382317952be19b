import Glibc

/// Holds a data directory for this process until it goes: flock(2) on `DIR/lock`, which names the
/// holder's pid for whoever comes second.
package final class DirectoryLock: Sendable {
  private let descriptor: Int32

  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process has it; its pid, where the file says.
    case held(path: String, pid: Int32?)
    case failed(LedgerFault)

    package var description: String {
      switch self {
      case .held(let path, let pid):
        "\(path) is used by " + (pid.map { "process \($0)" } ?? "another process")
      case .failed(let fault): fault.description
      }
    }
  }

  /// How often a lock that is held is asked for again, and how far apart: whoever looks for the holder
  /// shares the lock for a moment, and a process that was killed may take one to be gone.
  package static let attemptsMax = 50
  private static let pauseMicroseconds: UInt32 = 5_000

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Takes the lock of `directory`, which must be there, or says who has it. Waits for a quarter of a
  /// second at most, by `pause` between two attempts.
  package static func take(
    directory: String, pause: () -> Void = { _ = usleep(pauseMicroseconds) }
  ) throws(Problem) -> DirectoryLock {
    let path = directory + "/lock"
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .failed(LedgerFault(call: "open", file: path, code: errno))
    }
    let lock = DirectoryLock(descriptor: descriptor)
    var attempts = 1
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else {
        throw .failed(LedgerFault(call: "flock", file: path, code: errno))
      }
      guard attempts < attemptsMax else {
        throw .held(path: directory, pid: lock.writtenPID())
      }
      attempts += 1
      pause()
    }
    lock.writePID()
    return lock
  }

  /// Who holds `directory` at this moment: nil is nobody. Takes nothing and writes nothing.
  package static func holder(directory: String) throws(Problem) -> Int32? {
    let path = directory + "/lock"
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .failed(LedgerFault(call: "open", file: path, code: errno))
    }
    let lock = DirectoryLock(descriptor: descriptor)
    // A shared lock is refused as long as another process has the whole; where it is not, it goes
    // with `lock`, at once.
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

  /// For people only: the lock holds whether or not the pid can be written (the disk may be full).
  private func writePID() {
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }
}
