import CLinux
import Glibc

/// Keeps secrets out of what Swift's runtime prints when the program traps.
///
/// By default the runtime prints the crashed thread's registers and the memory that they point at,
/// which may be a prompt or a key. The stack frames are enough to find a fault, so a serving
/// process asks for these alone. The runtime reads its settings when it starts, so the program sets
/// them and replaces itself once (execv(2)), with the same process id. As it is run from
/// /proc/self/exe, the kernel then calls the process `exe`; its own name is set again, for
/// pgrep(1), top(1) and the log lines of the out-of-memory killer.
package enum CrashReport {
  private static let variable = "SWIFT_BACKTRACE"
  private static let setting = "registers=none"

  /// The settings to run with, from those given in the environment; nil where those already say
  /// which registers to print.
  package static func settings(given: String?) -> String? {
    guard let given, !given.isEmpty else { return setting }
    guard !given.contains("registers=") else { return nil }
    return "\(given),\(setting)"
  }

  /// The process's name, as `/proc/PID/comm` has it.
  static let processName = "tollgate"

  /// Replaces the process with itself under the settings. Returns where they are set already, and
  /// where the kernel refuses (then the default stays). After that the process has its own name,
  /// and every thread that it starts has it too.
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
