import Foundation
import Log

/// The admin server: HTTP/1.1 on a thread of its own, so that no worker waits for it.
///
/// Any thread. Its own thread owns the `AdminLoop`.
package final class AdminServer: Sendable {
  /// How long `stop` waits for the thread.
  static let stopSecondsMax = 5

  /// The addresses listened on, in the order given, with the ports the kernel chose.
  package let addresses: [ListenAddress]
  private let mailbox: Mailbox<AdminLoop>
  private let ended = DispatchSemaphore(value: 0)

  /// Listens and answers from now on. `makeSite` is called once.
  ///
  /// Throws `ListenError` for an address that cannot be had, `SystemError` where the process has no
  /// descriptors left.
  package init(
    _ places: [(address: ListenAddress, scope: AdminScope)], limits: HTTPLimits = HTTPLimits(),
    log: Logger, makeSite: @Sendable () -> any AdminSite
  ) throws {
    Kernel.ignoreBrokenPipes()
    var listeners: [(listener: Listener, scope: AdminScope)] = []
    for place in places {
      let listener = try Listener(place.address, allowPlaintextNetwork: place.scope == .probes)
      listeners.append((listener, place.scope))
    }
    addresses = listeners.map(\.listener.address)
    mailbox = try Mailbox()
    let loop = Handover(
      try AdminLoop(listeners, mailbox: mailbox, site: makeSite(), limits: limits, log: log))
    let thread = Thread { [ended] in
      loop.take().run()
      ended.signal()
    }
    thread.name = "tollgate-admin"
    thread.start()
  }

  /// Closes every connection and ends the thread; returns when it has ended.
  package func stop() {
    mailbox.post { $0.stop() }
    _ = ended.wait(timeout: .now() + .seconds(Self.stopSecondsMax))
  }
}
