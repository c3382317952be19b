/// Which segments shipping still needs. They are kept whatever their age.
package struct SegmentsKept: Equatable, Sendable {
  /// The first record that some target has not got: its segment and all later ones are kept.
  package var fromSeq: Int64
  /// The same without targets with `on_full=drop`: what is kept even where the ledger's bound is
  /// reached.
  package var atBoundFromSeq: Int64

  /// Both are `seq` numbers.
  package init(fromSeq: Int64, atBoundFromSeq: Int64) {
    self.fromSeq = fromSeq
    self.atBoundFromSeq = atBoundFromSeq
  }

  /// No segment is kept: only age counts.
  package static let nothing = SegmentsKept(fromSeq: .max, atBoundFromSeq: .max)
  /// Every segment is kept.
  package static let everything = SegmentsKept(fromSeq: 0, atBoundFromSeq: 0)
}
