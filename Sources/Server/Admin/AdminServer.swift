import Foundation
import Gateway
import Log
import Terms
import Transport

/// The admin server: HTTP/1.1 on a thread of its own, apart from every loop.
package final class AdminServer: Sendable {
  /// How long `stop` waits for the thread.
  static let stopSecondsMax = 5

  /// The addresses listened on, in the order given, with the ports the kernel chose.
  package let addresses: [ListenAddress]
  private let mailbox: Mailbox<AdminLoop>
  private let ended = DispatchSemaphore(value: 0)

  /// Listens and answers from now on. `makeSite` is called once, on the server's thread.
  package init(
    _ places: [(address: ListenAddress, scope: AdminScope)], limits: HTTPLimits = HTTPLimits(),
    log: Logger, makeSite: @escaping @Sendable () -> any AdminSite
  ) throws {
    Kernel.ignoreBrokenPipes()
    var opened: [AdminListener] = []
    for place in places {
      let listener = try Listener(place.address, allowPlaintextNetwork: place.scope == .probes)
      opened.append(AdminListener(listener: listener, scope: place.scope))
    }
    addresses = opened.map(\.listener.address)
    let mailbox = try Mailbox<AdminLoop>()
    self.mailbox = mailbox
    let (listeners, ended) = (opened, ended)
    let thread = Thread {
      do {
        try AdminLoop(
          listeners, mailbox: mailbox, site: makeSite(), limits: limits, log: log
        ).run()
      } catch {
        log.log(.error, "the admin server ends: \(error)")
      }
      for listener in listeners { listener.listener.removeFile() }
      ended.signal()
    }
    thread.name = "tollgate-admin"
    thread.start()
  }

  /// Cuts every connection and ends the thread; returns when it has ended.
  package func stop() {
    mailbox.post { $0.stop() }
    _ = ended.wait(timeout: .now() + .seconds(Self.stopSecondsMax))
  }
}

/// A listening socket and what it is for.
struct AdminListener: Sendable {
  let listener: Listener
  let scope: AdminScope
}
