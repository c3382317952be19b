/// The ledger's bounds that no flag changes.
package enum LedgerLimits {
  /// What is written and flushed at once, so also what a crash can tear.
  package static let batchBytesMax = 1 << 20
  /// The longest line a reader takes: a checkpoint of every counter and open exchange.
  package static let lineBytesMax = 256 << 20
  /// What may wait to be written; above it nothing new is admitted.
  package static let queueBytesMax = 32 << 20
  /// The longest text a record keeps of a subject, host, path, address or trace; the rest is cut.
  package static let textBytesMax = 256
  /// Room kept free below `--ledger-max-bytes` for each open exchange's completion.
  package static let completionBytesReserved = 4096
  /// How deep a record's JSON nests: the record itself is at depth 0.
  package static let depthMax = 7
}
