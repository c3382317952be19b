/// The ledger's bounds that no flag changes.
package enum LedgerLimits {
  /// The most that is written before it is flushed, so also the most that a crash can tear.
  package static let batchBytesMax = 1 << 20
  /// The longest line that a reader takes. Only a checkpoint of many counters is long.
  package static let lineBytesMax = 256 << 20
  /// The most bytes of records that may wait to be written; above it nothing is admitted.
  package static let queueBytesMax = 32 << 20
  /// The most bytes that a record keeps of a subject, host, path, address or trace; the rest is
  /// cut.
  package static let textBytesMax = 256
  /// The room that is kept free below `--ledger-max-bytes` for the completion of each open
  /// exchange.
  package static let completionBytesReserved = 4096
  /// From this share of `--ledger-max-bytes` on, tenants share what is left equally: who wrote more
  /// is refused, so that no tenant alone fills the ledger for the others.
  package static let sharedFillPercent: Int64 = 80
  /// For how long what a tenant wrote counts against its share. It counts for half as long at the
  /// least, and as long as the ledger is fuller than that.
  package static let shareWindowMs: Int64 = 60_000
  /// How deep a record's JSON may nest; the record itself is at depth 0.
  package static let depthMax = 7
}
