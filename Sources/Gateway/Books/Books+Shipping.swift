import Ledger

extension Books {
  /// Records that a target of shipping will never be sent some records.
  package func recordDrop(_ drop: Drop) { note(.drop(drop)) }
}
