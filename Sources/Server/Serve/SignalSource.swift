import Glibc

/// The signals that the server answers (SIGHUP, SIGTERM, SIGINT, SIGUSR1), as a descriptor that is
/// readable when one has come.
///
/// On the server's thread. It blocks these signals in the thread that makes it; make it before any
/// other thread is started, because threads inherit what is blocked.
package final class SignalSource {
  let descriptor: Descriptor

  /// Blocks the signals. Throws where the process has no descriptor left.
  package init() throws(SystemError) {
    descriptor = try Kernel.createSignals([SIGHUP, SIGTERM, SIGINT, SIGUSR1])
  }

  /// Calls `body` with each signal that has come.
  func forEachPending(_ body: (Int32) -> Void) {
    while let signal = Kernel.nextSignal(descriptor) { body(signal) }
  }
}
