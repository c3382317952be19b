import CLinux
import Glibc

/// The C functions that this target calls: each is called in one place, here or in an extension of
/// this enum.
///
/// Any thread.
package enum Kernel {
  /// Runs one system call, again after EINTR. Traps on EBADF: the use of a closed descriptor is a
  /// bug of ours, and the number may be another file's by now.
  @inline(__always)
  static func syscall<Result: FixedWidthInteger & SignedInteger>(
    _ call: StaticString, _ body: () -> Result
  ) throws(SystemError) -> Result {
    while true {
      let result = body()
      if result != -1 { return result }
      let code = errno
      if code == EINTR { continue }
      precondition(code != EBADF, "a closed descriptor was used")
      throw SystemError(call: "\(call)", code: code)
    }
  }

  /// The id of this process: getpid(2).
  static func processID() -> Int {
    Int(getpid())
  }

  /// Whether a descriptor is a terminal: isatty(3).
  static func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1
  }

  /// The number of processors that are online: sysconf(3).
  static func processorCount() -> Int {
    max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// `count` random bytes (at most 256) from the kernel: getrandom(2), which blocks until the
  /// generator is seeded.
  package static func randomBytes(count: Int) throws(SystemError) -> [UInt8] {
    precondition(count <= 256, "at most 256 bytes come in one piece")
    var bytes = [UInt8](repeating: 0, count: count)
    let got = try syscall("getrandom") {
      unsafe bytes.withUnsafeMutableBytes { unsafe getrandom($0.baseAddress, count, 0) }
    }
    precondition(got == count, "up to 256 bytes are never cut short")
    return bytes
  }

  /// Ends the process at once, without running deinits or exit handlers: _exit(2).
  static func exitNow(_ status: Int32) -> Never {
    _exit(status)
  }
}
