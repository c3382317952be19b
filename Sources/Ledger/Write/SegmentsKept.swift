/// Which segments shipping still needs. They are kept whatever their age.
package struct SegmentsKept: Equatable, Sendable {
  /// The first record that some target has not got: its segment and all later ones are kept.
  package var fromSeq: Int64
  /// The same where the ledger's bound is reached: segments before it go whatever their age. Targets with
  /// `on_full=drop` do not count. It is 0, and so only age counts, where no target keeps what it got.
  package var atBoundFromSeq: Int64

  /// Both are `seq` numbers.
  package init(fromSeq: Int64, atBoundFromSeq: Int64) {
    self.fromSeq = fromSeq
    self.atBoundFromSeq = atBoundFromSeq
  }

  /// Whether something is shipped and every target has the records before this one.
  func isDelivered(upTo seq: Int64) -> Bool { fromSeq < .max && seq <= fromSeq }

  /// Nothing is shipped: only age counts.
  package static let nothing = SegmentsKept(fromSeq: .max, atBoundFromSeq: 0)
  /// Every segment is kept.
  package static let everything = SegmentsKept(fromSeq: 0, atBoundFromSeq: 0)
}
