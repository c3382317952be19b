/// Which segments shipping holds, whatever their age: those with a record of some number or later.
package struct SegmentsKept: Equatable, Sendable {
  /// What some target has not got yet.
  package var fromSeq: Int64
  /// What stays even where the ledger's bound is reached: the same without the targets that let
  /// records go then.
  package var atBoundFromSeq: Int64

  package init(fromSeq: Int64, atBoundFromSeq: Int64) {
    self.fromSeq = fromSeq
    self.atBoundFromSeq = atBoundFromSeq
  }

  /// Only age counts.
  package static let nothing = SegmentsKept(fromSeq: .max, atBoundFromSeq: .max)
  package static let everything = SegmentsKept(fromSeq: 0, atBoundFromSeq: 0)
}
