import Bytes

/// The one door into a thread that sleeps in epoll or poll: closures come in from anywhere and run there.
package final class Mailbox<Owner>: Sendable {
  /// What is run, with the owner that the thread keeps for itself.
  package typealias Letter = @Sendable (Owner) -> Void

  /// Readable while letters wait.
  let event: Descriptor
  private let letters = Locked<[Letter]>([])

  package init() throws(SystemError) {
    event = try Kernel.createEvent()
  }

  /// Has `letter` run on the owner's thread, after those posted before it.
  package func post(_ letter: @escaping Letter) {
    let wasEmpty = letters.withLock { waiting in
      waiting.append(letter)
      return waiting.count == 1
    }
    // The owner empties the box whole, so one signal serves every letter until then.
    if wasEmpty { Kernel.signal(event) }
  }

  /// Takes every waiting letter, in the order they came.
  func take() -> [Letter] {
    // First the event, then the letters: one that comes between is taken now and signals once too often.
    Kernel.clear(event)
    return letters.withLock { waiting in
      let taken = waiting
      waiting = []
      return taken
    }
  }
}
