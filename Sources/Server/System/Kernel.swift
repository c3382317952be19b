import CLinux
import Glibc

/// Every C call of this target stands once, here or in an extension of this enum.
package enum Kernel {
  /// Runs one system call: again after EINTR; a stale descriptor is our own bug and traps.
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

  /// This process's number: getpid(2).
  package static func processID() -> Int {
    Int(getpid())
  }

  /// Whether a descriptor is a terminal: isatty(3).
  static func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1
  }

  /// The number of processors this process may run on.
  package static func processorCount() -> Int {
    max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// `count` bytes from the kernel's generator: getrandom(2), which blocks until it is seeded.
  package static func randomBytes(count: Int) throws(SystemError) -> [UInt8] {
    precondition(count <= 256, "at most 256 bytes come in one piece")
    var bytes = [UInt8](repeating: 0, count: count)
    let got = try syscall("getrandom") {
      unsafe bytes.withUnsafeMutableBytes { unsafe getrandom($0.baseAddress, count, 0) }
    }
    precondition(got == count, "up to 256 bytes are never cut short")
    return bytes
  }

  /// Leaves the process at once, without unwinding.
  package static func exitNow(_ status: Int32) -> Never {
    _exit(status)
  }
}
