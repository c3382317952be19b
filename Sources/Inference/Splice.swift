import Bytes

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

  /// The body with the splices made. They are in order and do not overlap.
  package func applied(to body: Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(body.count + byteCountChange)
    var from = 0
    for splice in self {
      precondition(splice.range.lowerBound >= from, "splices overlap or are out of order")
      result.append(body.extracting(from..<splice.range.lowerBound))
      result.append(contentsOf: splice.replacement)
      from = splice.range.upperBound
    }
    result.append(body.extracting(from..<body.count))
    return result
  }
}
