import Ledger

/// The ledger as shipping sees it.
package struct ShipSource: Sendable {
  package var files: any LedgerFiles
  /// How far it is on disk; nil while nothing is.
  package var end: @Sendable () -> LedgerEnd?
  /// Which segments shipping still needs.
  package var keep: @Sendable (SegmentsKept) -> Void
  /// Records that a target will never be sent some records.
  package var recordDrop: @Sendable (Drop) -> Void

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
