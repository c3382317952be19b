import Foundation
import Gateway
import Log
import Terms
import Transport

/// The worker threads and the doors to them. Sockets are dealt to them in turn.
final class Workers: Sendable {
  let mailboxes: [Mailbox<WorkerLoop>]
  private let ended: DispatchSemaphore

  /// Starts the threads. `makeGateway` is called once on each of them.
  init(
    configuration: ServerConfiguration, connections: ConnectionCount, log: Logger,
    makeGateway: @escaping @Sendable () -> any LoopGateway
  ) throws(SystemError) {
    var mailboxes: [Mailbox<WorkerLoop>] = []
    for _ in 0..<configuration.workers { mailboxes.append(try Mailbox()) }
    self.mailboxes = mailboxes
    let ended = DispatchSemaphore(value: 0)
    self.ended = ended
    let budget = BufferBudget(limit: configuration.transport.processBufferBytesMax)
    for (index, mailbox) in mailboxes.enumerated() {
      let thread = Thread {
        Self.work(configuration, mailbox, budget, connections, log, makeGateway)
        ended.signal()
      }
      thread.name = "tollgate-loop\(index)"
      thread.start()
    }
  }

  private static func work(
    _ configuration: ServerConfiguration, _ mailbox: Mailbox<WorkerLoop>, _ budget: BufferBudget,
    _ connections: ConnectionCount, _ log: Logger, _ makeGateway: @Sendable () -> any LoopGateway
  ) {
    do {
      let loop = try WorkerLoop(
        router: makeGateway(), mailbox: mailbox, limits: configuration.loop,
        transport: configuration.transport, budget: budget, log: log,
        connectionClosed: { connections.leave() })
      loop.run()
    } catch {
      // Before the first connection: there is nothing to save and nothing to serve with.
      log.log(.error, .serverFailed, "a worker could not start: \(error)")
      log.flush()
      Kernel.exitNow(1)
    }
  }

  /// Has `letter` run on every worker.
  func postToAll(_ letter: @escaping @Sendable (WorkerLoop) -> Void) {
    for mailbox in mailboxes { mailbox.post(letter) }
  }

  /// Waits until every thread has left its loop; false where one has not within `timeoutSeconds`.
  func join(timeoutSeconds: Int) -> Bool {
    let end = DispatchTime.now() + .seconds(timeoutSeconds)
    return mailboxes.allSatisfy { _ in ended.wait(timeout: end) == .success }
  }
}
