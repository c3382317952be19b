import Glibc

/// The signals the server answers, as a descriptor. Create it before any other thread: threads inherit what is blocked.
package final class SignalSource {
  let descriptor: Descriptor

  package init() throws(SystemError) {
    descriptor = try Kernel.createSignals([SIGHUP, SIGTERM, SIGINT, SIGUSR1])
  }

  /// Calls `body` with each signal that has come.
  func forEachPending(_ body: (Int32) -> Void) {
    while let signal = Kernel.nextSignal(descriptor) { body(signal) }
  }
}
