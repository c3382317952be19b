/// One change to a body: the bytes in `range` are replaced by `replacement`. An empty range inserts.
package struct Splice: Sendable, Equatable {
  /// Byte offsets in the body as the client sent it.
  package let range: Range<Int>
  package let replacement: [UInt8]
}

extension [Splice] {
  /// By how much the body grows (or, negative, shrinks).
  package var byteCountChange: Int {
    reduce(0) { $0 + $1.replacement.count - $1.range.count }
  }
}
