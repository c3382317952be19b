import Bytes
import Foundation
import Gateway
import Log
import Metrics
import Policy

/// The thread on which policies are read and validated, apart from every loop: when it is asked,
/// and with `watches` also when the files change.
package final class PolicyWatcher: Sendable {
  /// How often the files are looked at without any sign, because not every file system tells of changes.
  package static let pollInterval: Duration = .seconds(10)
  /// A change is followed by this much quiet before the files are read: editors and tools write in steps.
  package static let quiet: Duration = .milliseconds(100)

  /// The policy in force after an attempt to read it again, and what became of that.
  package typealias Attempted = @Sendable (PolicySnapshot, PolicyStatus) -> Void

  private let mailbox: Mailbox<State>

  /// What the thread keeps for itself.
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

    func reload(isAsked: Bool) {
      let now = SystemClock.wallNanoseconds() / 1_000_000
      if store.reload(nowMs: now, isAsked: isAsked) == .replaced { changed(store.policy) }
      attempted(store.policy, store.status)
    }
  }

  /// Starts the thread, which owns `store` from now on. `changed` is called on it with every new policy,
  /// `attempted` after every reading, whatever came of it.
  package init(
    store: sending PolicyStore, watches: Bool, log: Logger,
    attempted: @escaping Attempted = { _, _ in },
    changed: @escaping @Sendable (PolicySnapshot) -> Void
  ) throws(SystemError) {
    let mailbox = try Mailbox<State>()
    self.mailbox = mailbox
    let path = store.path
    let handover = Handover(State(store: store, attempted: attempted, changed: changed))
    let thread = Thread {
      let files = watches ? FileChanges(path: path, log: log) : nil
      Self.work(handover.take(), mailbox, files)
    }
    thread.name = "tollgate-policy"
    thread.start()
  }

  /// Has the policy read again, soon.
  package func reload() {
    mailbox.post { $0.reload(isAsked: true) }
  }

  package func stop() {
    mailbox.post { $0.isStopped = true }
  }

  private static func work(_ state: State, _ mailbox: Mailbox<State>, _ files: FileChanges?) {
    // What changed between the first read and the watch.
    if files != nil { state.reload(isAsked: false) }
    while !state.isStopped {
      let interval = Poller.milliseconds(files == nil ? nil : pollInterval)
      let descriptors = [mailbox.event] + (files?.descriptor.map { [$0] } ?? [])
      let ready = Kernel.pollReadable(descriptors, timeoutMilliseconds: interval)
      if ready[0] {
        for letter in mailbox.take() { letter(state) }
      }
      guard let files else { continue }
      // With a sign, or at the end of an interval; a letter alone has read the files itself.
      if ready.count > 1, ready[1] { files.settle() }
      if !ready[0] || ready.count > 1 && ready[1] { state.reload(isAsked: false) }
      if files.follow() { state.reload(isAsked: false) }
    }
  }
}

/// Gives a value to one other thread, once.
private final class Handover<Value>: @unchecked Sendable {
  private var value: Value?

  init(_ value: sending Value) {
    self.value = value
  }

  func take() -> Value {
    defer { value = nil }
    guard let value else { preconditionFailure("a value is handed over once") }
    return value
  }
}
