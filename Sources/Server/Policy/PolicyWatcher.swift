import Bytes
import Foundation
import Log
import Metrics
import Policy

/// Reads and validates policies on a thread of its own, so that no worker waits for it: when it is
/// asked, and with `watches` also when the files change.
///
/// Any thread. Its own thread owns the `PolicyStore`.
package final class PolicyWatcher: Sendable {
  /// How often the files are read without a sign of change: not every file system reports changes.
  static let pollInterval: Duration = .seconds(10)
  /// How long the files must stay unchanged before they are read: editors and tools write in steps.
  static let quiet: Duration = .milliseconds(100)

  /// The policy in force after an attempt to read it again, and how that attempt ended.
  package typealias Attempted = @Sendable (PolicySnapshot, PolicyStatus) -> Void

  private let mailbox: Mailbox<State>

  /// What the watcher's thread owns.
  final class State {
    let store: PolicyStore
    let attempted: Attempted
    let changed: @Sendable (PolicySnapshot) -> Void
    var isStopped = false

    init(
      store: PolicyStore, attempted: @escaping Attempted,
      changed: @escaping @Sendable (PolicySnapshot) -> Void
    ) {
      self.store = store
      self.attempted = attempted
      self.changed = changed
    }

    /// Reads the policy; `isAsked` where somebody waits for what the log says of it.
    func reload(isAsked: Bool) {
      let now = SystemClock.wallNanoseconds() / 1_000_000
      if store.reload(nowMs: now, isAsked: isAsked) == .replaced { changed(store.policy) }
      attempted(store.policy, store.status)
    }
  }

  /// Starts the thread, which takes the store. On that thread `changed` is called with every new
  /// policy, and `attempted` after every reading, however it ended.
  package init(
    store: Handover<PolicyStore>, watches: Bool, log: Logger,
    attempted: @escaping Attempted = { _, _ in },
    changed: @escaping @Sendable (PolicySnapshot) -> Void
  ) throws(SystemError) {
    let mailbox = try Mailbox<State>()
    self.mailbox = mailbox
    let thread = Thread {
      let state = State(store: store.take(), attempted: attempted, changed: changed)
      let files = watches ? FileChanges(path: state.store.path, log: log) : nil
      Self.work(state, mailbox, files)
    }
    thread.name = "tollgate-policy"
    thread.start()
  }

  /// Has the policy read again, soon.
  package func reload() {
    mailbox.post { $0.reload(isAsked: true) }
  }

  /// Ends the thread, soon.
  package func stop() {
    mailbox.post { $0.isStopped = true }
  }

  private static func work(_ state: State, _ mailbox: Mailbox<State>, _ files: FileChanges?) {
    // The files may have changed after they were read first and before they were watched.
    if files != nil { state.reload(isAsked: false) }
    while !state.isStopped {
      let interval = Poller.milliseconds(files == nil ? nil : pollInterval)
      let descriptors = [mailbox.event] + (files?.descriptor.map { [$0] } ?? [])
      let ready = Kernel.pollReadable(descriptors, timeoutMilliseconds: interval)
      if ready[0] { mailbox.deliver(to: state) }
      guard let files else { continue }
      // After a sign of change, or at the end of an interval. A message has read the files itself.
      if ready.count > 1, ready[1] { files.settle() }
      if !ready[0] || ready.count > 1 && ready[1] { state.reload(isAsked: false) }
      if files.follow() { state.reload(isAsked: false) }
    }
  }
}
