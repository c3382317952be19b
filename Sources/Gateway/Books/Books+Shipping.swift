import Ledger

/// What shipping needs of the books.
extension Books {
  /// How far the ledger is on disk.
  package var ledgerEnd: LedgerEnd? { writer?.end }

  /// Which segments shipping still needs.
  package func keepSegments(_ kept: SegmentsKept) { writer?.keep(kept) }

  /// Records that a target will never be sent some records.
  package func recordDrop(_ drop: Drop) { note(.drop(drop)) }
}
