/// The last record of a ledger that is on disk.
package struct LedgerEnd: Equatable, Sendable {
  /// The record's `seq`.
  package let seq: Int64
  /// The segment that contains it.
  package let segment: Segment

  package init(seq: Int64, segment: Segment) {
    self.seq = seq
    self.segment = segment
  }
}
