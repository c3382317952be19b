/// One change to a body: the bytes in `range` are replaced by `replacement`. An empty range inserts.
package struct Splice: Sendable, Equatable {
  /// Byte offsets in the body as the client sent it.
  package let range: Range<Int>
  package let replacement: [UInt8]
}

extension [Splice] {
  /// Puts them in ascending order, and makes one of those that insert at the same place: members of an
  /// object, of which all but the last need a comma behind them.
  package mutating func order() {
    sort { $0.range.lowerBound < $1.range.lowerBound }
    guard count > 1 else { return }
    for index in indices.dropFirst().reversed() {
      let (first, second) = (self[index - 1], self[index])
      guard first.range.isEmpty, first.range == second.range else { continue }
      let comma: [UInt8] = first.replacement.last == UInt8(ascii: ",") ? [] : [UInt8(ascii: ",")]
      self[index - 1] = Splice(
        range: first.range, replacement: first.replacement + comma + second.replacement)
      remove(at: index)
    }
  }

  /// By how much the body grows (or, negative, shrinks).
  package var byteCountChange: Int {
    reduce(0) { $0 + $1.replacement.count - $1.range.count }
  }
}
