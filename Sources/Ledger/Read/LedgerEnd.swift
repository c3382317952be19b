/// How far a ledger is on disk: its last durable record, and the segment that holds it.
package struct LedgerEnd: Equatable, Sendable {
  package let seq: Int64
  package let segment: Segment

  package init(seq: Int64, segment: Segment) {
    self.seq = seq
    self.segment = segment
  }
}
