import Ledger

/// What shipping needs of the ledger.
///
/// Any thread: each target's thread uses it.
package struct ShipSource: Sendable {
  /// Its segments.
  package var files: any LedgerFiles
  /// The last record that is on disk; nil while there is none.
  package var end: @Sendable () -> LedgerEnd?
  /// Tells the ledger which segments shipping still needs.
  package var keep: @Sendable (SegmentsKept) -> Void
  /// Writes a `drop` record: a target will never get some records.
  package var recordDrop: @Sendable (Drop) -> Void

  /// All of it.
  package init(
    files: any LedgerFiles, end: @escaping @Sendable () -> LedgerEnd?,
    keep: @escaping @Sendable (SegmentsKept) -> Void,
    recordDrop: @escaping @Sendable (Drop) -> Void
  ) {
    self.files = files
    self.end = end
    self.keep = keep
    self.recordDrop = recordDrop
  }
}
