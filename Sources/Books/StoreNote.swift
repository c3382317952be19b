import Quota
import Terms

/// Something that happened between this replica and the store: a line of the log, a mark on the page,
/// and where it changes what limits promise, a `store` record.
package struct StoreNote: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// The store answered for the first time.
    case joined
    /// Partitions do not answer any more, or are not open: limits go by their `on_store_loss`.
    case lost
    /// Partitions answered again, and are open.
    case returned
    /// Partitions of a store that lost writes grant again; or partitions of a new one grant for the
    /// first time.
    case opened(Opened)
    /// Another process goes on with this ledger, under a higher start number: this one refuses
    /// everything shared until it is restarted.
    case fenced(by: Int64)
  }

  /// How an opening ended.
  package struct Opened: Sendable, Equatable {
    /// Who stated, and who was alive before and did not.
    package var stated: [Holder]
    package var missing: [Holder]
    /// The most that limits may be exceeded by: what the missing had leased, and what was spent by
    /// replicas that are gone and that nobody had seen; by what this replica knows, of the counters
    /// that it has. Nil where that cannot be told.
    package var bound: StoreAmounts?
    /// Nothing was lost: neither this process nor its ledger knew the store before.
    package var isFirst: Bool

    package init(
      stated: [Holder], missing: [Holder], bound: StoreAmounts?, isFirst: Bool = false
    ) {
      self.isFirst = isFirst
      self.stated = stated
      self.missing = missing
      self.bound = bound
    }
  }

  package var kind: Kind
  /// In Unix milliseconds.
  package var timeMs: Int64
  /// The partitions that it is about; empty for the whole store.
  package var partitions: [Int]
  /// How many replicas were alive then; nil where that was not known.
  package var replicas: Int?

  package init(_ kind: Kind, timeMs: Int64, partitions: [Int] = [], replicas: Int? = nil) {
    self.kind = kind
    self.timeMs = timeMs
    self.partitions = partitions
    self.replicas = replicas
  }
}

extension StoreNote {
  /// What happened, as logs and `/api/v1/status` call it.
  package var word: String {
    switch kind {
    case .joined: "joined"
    case .lost: "lost"
    case .returned: "returned"
    case .opened: "opened"
    case .fenced: "fenced"
    }
  }
}
