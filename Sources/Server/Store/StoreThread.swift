import Books
import Bytes
import Foundation
import Log

/// The thread that speaks with the store in which replicas share their limits: starts it, wakes it,
/// ends it, and reads its numbers.
///
/// Any thread. Its own thread owns the `StoreLoop`.
package final class StoreThread: Sendable {
  private let shared: StoreShared
  private let loop: Handover<StoreLoop>

  /// - Parameters:
  ///   - books: limits that are shared already (`Books.share`).
  ///   - revision: the revision of the policy in force.
  ///   - record: told how long each call took, in nanoseconds.
  ///   - ready: called once, when the process may be ready, on the store's thread.
  ///   - fenced: called when another process goes on with this ledger, on the store's thread.
  package init(
    _ settings: StoreSettings, books: Books, revision: @escaping @Sendable () -> String,
    record: @escaping @Sendable (Int64) -> Void, ready: @escaping @Sendable () -> Void,
    fenced: @escaping @Sendable () -> Void, log: Logger
  ) throws {
    shared = try StoreShared()
    loop = Handover(
      StoreLoop(
        settings, books: books, revision: revision, record: record, ready: ready, fenced: fenced,
        shared: shared, log: log))
    books.onStatementsDue { [shared] in shared.wake() }
  }

  /// Starts the thread. Once.
  package func start() {
    let thread = Thread { [loop] in loop.take().run() }
    thread.name = "store"
    thread.start()
  }

  /// The credentials may be others now: connections that have others are made anew.
  package func reload() { shared.ask { $0.reloads = true } }

  /// Has the thread give back what is leased, and end; waits for that, at most `seconds`.
  package func stop(within seconds: Int = 3) {
    shared.ask { $0.stops = true }
    shared.waitForEnd(upTo: .seconds(seconds))
  }

  /// What is known of the store now.
  package var status: StoreStatus? { shared.values.withLock { $0.status } }
}

/// What the store's thread shares with others.
///
/// Any thread: a lock guards the values.
final class StoreShared: Sendable {
  struct Values {
    var status: StoreStatus?
    var reloads = false
    var stops = false
    var hasEnded = false
  }

  /// Readable when the thread is to look at the books and at `values` again.
  let wakeEvent: Descriptor
  let values = Locked(Values())
  private let ended = TimedCondition()

  init() throws(SystemError) { wakeEvent = try Kernel.createEvent() }

  func wake() { Kernel.signal(wakeEvent) }

  func ask(_ change: (inout Values) -> Void) {
    values.withLock { change(&$0) }
    wake()
  }

  /// The thread is over.
  func end() {
    ended.lock()
    values.withLock { $0.hasEnded = true }
    ended.broadcast()
    ended.unlock()
  }

  func waitForEnd(upTo time: Duration) {
    let end = ContinuousClock.now + time
    ended.lock()
    defer { ended.unlock() }
    while !values.withLock({ $0.hasEnded }) {
      let left = end - .now
      guard left > .zero else { return }
      _ = ended.wait(for: left)
    }
  }
}
