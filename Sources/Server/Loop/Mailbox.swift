import Bytes

/// How other threads reach a thread that sleeps in epoll or poll: they post closures, which run on
/// that thread.
///
/// `post` may be called on any thread, `take` on the owner's only.
final class Mailbox<Owner>: Sendable {
  /// What is run on the owner's thread, with the owner, which no other thread has.
  typealias Message = @Sendable (Owner) -> Void

  /// Readable while messages wait.
  let event: Descriptor
  private let messages = Locked<[Message]>([])

  /// An empty mailbox. Throws where the process has no descriptor left for its event.
  init() throws(SystemError) {
    event = try Kernel.createEvent()
  }

  /// Has `message` run on the owner's thread, after those posted before it.
  func post(_ message: @escaping Message) {
    let wasEmpty = messages.withLock { waiting in
      waiting.append(message)
      return waiting.count == 1
    }
    // The owner takes all messages at once, so one signal is enough until then.
    if wasEmpty { Kernel.signal(event) }
  }

  /// Runs every waiting message on `owner`, in the order they came.
  func deliver(to owner: Owner) {
    // The event is cleared first: a message that comes in between is run now, and the signal that
    // it leaves costs one empty round. The other way round it would be forgotten.
    Kernel.clear(event)
    let taken = messages.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for message in taken { message(owner) }
  }
}
