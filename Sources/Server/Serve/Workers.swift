import Foundation
import Log
import Transport

/// The worker threads: starts them, reaches each by its mailbox, and waits for their end.
///
/// Any thread. Each worker's thread owns its `WorkerLoop`.
final class Workers: Sendable {
  /// One a worker.
  let mailboxes: [Mailbox<WorkerLoop>]
  /// What connections, streams and buffers of all workers take.
  let budget: BufferBudget
  /// Signalled once by each thread that ends.
  private let ended: DispatchSemaphore

  /// Starts the threads. `makeGateway` is called once for each of them, before any has started.
  /// Throws where the process has no descriptors left for a worker; then none has started.
  init(
    configuration: ServerConfiguration, connections: ConnectionCount, log: Logger,
    makeGateway: @Sendable () -> any LoopGateway
  ) throws(SystemError) {
    let budget = BufferBudget(limit: configuration.transport.processBufferBytesMax)
    self.budget = budget
    var mailboxes: [Mailbox<WorkerLoop>] = []
    var loops: [Handover<WorkerLoop>] = []
    for _ in 0..<configuration.workers {
      let mailbox = try Mailbox<WorkerLoop>()
      let loop = try WorkerLoop(
        router: makeGateway(), mailbox: mailbox, limits: configuration.loop,
        transport: configuration.transport, budget: budget, log: log,
        connectionClosed: { connections.leave() })
      mailboxes.append(mailbox)
      loops.append(Handover(loop))
    }
    self.mailboxes = mailboxes
    let ended = DispatchSemaphore(value: 0)
    self.ended = ended
    for (index, loop) in loops.enumerated() {
      let thread = Thread {
        loop.take().run()
        ended.signal()
      }
      thread.name = "tollgate-loop\(index)"
      thread.start()
    }
  }

  /// Has `message` run on every worker's thread.
  func postToAll(_ message: @escaping @Sendable (WorkerLoop) -> Void) {
    for mailbox in mailboxes { mailbox.post(message) }
  }

  /// Waits until every thread has left its loop; false where one has not within `timeoutSeconds`.
  func join(timeoutSeconds: Int) -> Bool {
    let end = DispatchTime.now() + .seconds(timeoutSeconds)
    return mailboxes.allSatisfy { _ in ended.wait(timeout: end) == .success }
  }
}
