import Terms

/// The record `store`: what became of the store through which replicas share limits, as this replica
/// saw it.
package struct StoreEvent: Equatable, Sendable {
  /// What happened.
  package enum Kind: String, Sendable, CaseIterable {
    /// The replica's first contact with the store since its start.
    case joined
    /// Another process states for this ledger: nothing shared is let through until a restart.
    case fenced
    /// Nothing is answered: each limit goes by its `on_store_loss`.
    case lost
    /// It answers again.
    case returned
    /// Partitions that had lost writes, or that are on another server now, grant again; or, where
    /// `isFirst`, partitions of a store that this ledger had not known grant for the first time.
    case opened
  }

  package var kind: Kind
  /// The partitions that it is about, in their order; empty for all of them.
  package var partitions: [Int64]
  /// Of `fenced`, who took the place; of `opened`, who had stated what it holds. At most
  /// `identitiesMax`.
  package var by: [LedgerIdentity]
  /// Of `opened`, who was alive and had not stated: what was leased to it may be spent twice. At most
  /// `identitiesMax`.
  package var missing: [LedgerIdentity]
  /// Of `opened`, the most that this replica's limits may be exceeded by; nil where it was not found
  /// out.
  package var bound: StoreAmounts?
  /// Of `opened`: nothing was lost, because neither this process nor its ledger knew the store before.
  package var isFirst: Bool

  /// The most replicas that a record names in each of its lists.
  package static let identitiesMax = 64

  package init(
    _ kind: Kind, partitions: [Int64] = [], by: [LedgerIdentity] = [],
    missing: [LedgerIdentity] = [], bound: StoreAmounts? = nil, isFirst: Bool = false
  ) {
    self.kind = kind
    self.partitions = partitions
    self.by = Array(by.prefix(Self.identitiesMax))
    self.missing = Array(missing.prefix(Self.identitiesMax))
    self.bound = bound
    self.isFirst = isFirst
  }

  var identityCount: Int { by.count + missing.count }
}
