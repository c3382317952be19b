import CLinux
import Glibc

/// The process itself.
extension Kernel {
  /// The CPU time of all threads so far, user and system together: getrusage(2).
  static func processorSeconds() -> Double {
    var usage = rusage()
    let result = unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
    precondition(result == 0, "a process may ask about itself")
    return [usage.ru_utime, usage.ru_stime].reduce(0) {
      $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1_000_000
    }
  }

  /// Ignores SIGXFSZ: a write beyond the file size limit (setrlimit(2), RLIMIT_FSIZE) then fails
  /// with EFBIG, as one to a full disk fails with ENOSPC, and does not end the process.
  package static func ignoreFileSizeSignals() {
    _ = Glibc.signal(SIGXFSZ, SIG_IGN)
  }

  /// Gives freed memory back to the system: malloc_trim(3), where the C library has it.
  static func returnFreedMemory() { tollgate_trim_memory() }

  /// The host's name: gethostname(2). Where there is none, or it is too long, `unknown`.
  static func hostName() -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let result = unsafe buffer.withUnsafeMutableBytes {
      unsafe gethostname($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count - 1)
    }
    let name = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    return result == 0 && !name.isEmpty ? name : "unknown"
  }

  /// The size of a page of memory.
  static func pageBytes() -> Int64 { Int64(sysconf(Int32(_SC_PAGESIZE))) }

  /// How many descriptors this process may have open: getrlimit(2).
  static func descriptorsMax() -> Int64 {
    var limit = rlimit()
    let result = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    precondition(result == 0, "a process may ask about itself")
    return Int64(clamping: limit.rlim_cur)
  }
}
