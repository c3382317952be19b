import CLinux
import Glibc

/// What Swift's runtime prints when the program traps.
///
/// By default that is the crashed thread's registers with the memory they point at, which may be a
/// prompt or a key. The frames are enough to find a fault, so a serving process asks for these
/// alone. The runtime reads its settings when it starts: the program starts itself anew, with the
/// same process id, once. The kernel names a program that was started as /proc/self/exe `exe`: its
/// own name is set again, for pgrep(1), top(1) and the out-of-memory killer's line.
package enum CrashReport {
  private static let variable = "SWIFT_BACKTRACE"
  private static let setting = "registers=none"

  /// The settings to run with; nil where they say already what registers to print.
  package static func settings(given: String?) -> String? {
    guard let given, !given.isEmpty else { return setting }
    guard !given.contains("registers=") else { return nil }
    return "\(given),\(setting)"
  }

  /// The program's name, where `/proc/PID/comm` is read.
  package static let processName = "tollgate"

  /// Replaces the process by itself with the settings; returns where they are there already or the
  /// kernel will not (then the default stands). On return the process has the program's name, and
  /// every thread that it starts has it too.
  package static func leaveOutMemory(environment: [String: String], arguments: [String]) {
    // The string outlives the call. It cannot fail: the name is read from our own memory.
    defer { unsafe _ = tollgate_set_thread_name(processName) }
    guard let settings = settings(given: environment[variable]) else { return }
    guard unsafe setenv(variable, settings, 1) == 0 else { return }
    // The arguments live until execv has copied them, or has failed and they are freed.
    var pointers = unsafe arguments.map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    unsafe _ = execv("/proc/self/exe", pointers)
    while let last = unsafe pointers.popLast() { unsafe free(last) }
  }
}
