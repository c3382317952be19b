/// One change to a body: the bytes in `range` are replaced by `replacement`. An empty range inserts.
package struct Splice: Sendable, Equatable {
  /// Byte offsets in the body as the client sent it.
  package var range: Range<Int>
  package var replacement: [UInt8]

  package init(range: Range<Int>, replacement: [UInt8]) {
    self.range = range
    self.replacement = replacement
  }
}

extension [Splice] {
  /// By how much the body grows (or, negative, shrinks).
  package var byteCountChange: Int {
    reduce(0) { $0 + $1.replacement.count - $1.range.count }
  }
}
