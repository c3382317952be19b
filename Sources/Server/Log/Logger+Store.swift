import Books
import Log
import Terms

/// The log lines about the store in which replicas share their limits.
extension Logger {
  /// What happened, as far as people must know of it.
  package func store(_ note: StoreNote, address: String) {
    let partitions = LogValue.integer(note.partitions.count)
    let replicas = LogValue.optional(note.replicas.map(Int64.init))
    switch note.kind {
    case .joined:
      log(
        .info, .storeJoined,
        "the store at \(address) has answered: limits are shared"
          + (note.replicas.map { " by \(Self.count($0, "replica"))" } ?? ""),
        [.store: .text(address), .replicas: replicas])
    case .lost:
      log(
        .warning, .storeLost,
        "the store at \(address) does not serve \(Self.count(note.partitions.count, "partition"))"
          + " any more: limits go by their on_store_loss",
        [.store: .text(address), .partitions: partitions, .replicas: replicas])
    case .returned:
      log(
        .info, .storeReturned,
        "the store at \(address) serves \(Self.count(note.partitions.count, "partition")) again",
        [.store: .text(address), .partitions: partitions, .replicas: replicas])
    case .opened(let opened) where opened.isFirst:
      log(
        .info, .storeOpened,
        "the store at \(address) is new to this replica, and grants in"
          + " \(Self.count(note.partitions.count, "partition")) for the first time",
        [
          .store: .text(address), .partitions: partitions,
          .replicas: .integer(opened.stated.count), .missing: .integer(0),
        ])
    case .opened(let opened):
      let missing =
        opened.missing.isEmpty
        ? "every replica that was alive has stated what it holds"
        : "\(Self.count(opened.missing.count, "replica")) did not state what they hold: limits may be"
          + " exceeded by what those had leased"
      log(
        .warning, .storeOpened,
        "the store at \(address) had lost what was written in"
          + " \(Self.count(note.partitions.count, "partition")) and grants again: \(missing)",
        [
          .store: .text(address), .partitions: partitions,
          .replicas: .integer(opened.stated.count), .missing: .integer(opened.missing.count),
        ])
    case .fenced(let start):
      log(
        .error, .storeFenced,
        "another process goes on with this ledger (start \(start)): everything shared is refused"
          + " with 503 until this one ends. Give each replica a directory of its own",
        [.store: .text(address), .startNumber: .integer(start)])
    }
  }

  /// The store does not take the credentials, or they cannot be read; `problem` says which, without
  /// them.
  package func storeCredentialsRefused(_ problem: String, address: String) {
    log(
      .error, .storeCredentials,
      "the store at \(address) cannot be used with these credentials: \(problem)",
      [.store: .text(address), .error: .text(problem)])
  }

  /// How the store's master is set up is wrong: it is not used (`isRefused`), or only in danger.
  package func storeUnfit(_ problem: String, isRefused: Bool, address: String) {
    log(
      isRefused ? .error : .warning, .storeUnfit,
      "the store at \(address) is \(isRefused ? "not used" : "not set up well"): \(problem)",
      [.store: .text(address), .problem: .text(problem)])
  }

  private static func count(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
