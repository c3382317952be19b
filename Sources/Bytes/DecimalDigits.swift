/// The decimal digits of an integer, in place: what writes many numbers needs no text of its own for each.
package struct DecimalDigits {
  /// The digits, without leading zeros, at the end.
  private var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
  private var start: Int
  private let isNegative: Bool

  package init(_ number: Int64) {
    isNegative = number < 0
    start = 20
    var rest = number.magnitude
    repeat {
      let (next, digit) = rest.quotientAndRemainder(dividingBy: 10)
      start -= 1
      digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = next
    } while rest > 0
  }

  /// The number of bytes that `append` appends.
  package var count: Int { 20 - start + (isNegative ? 1 : 0) }

  /// The most bytes that any of the functions below append.
  package static let bytesMax = 23

  /// Appends the number.
  package func append(to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: count) { append(to: &$0) }
  }

  @inline(__always)
  func append(to output: inout OutputSpan<UInt8>) {
    if isNegative { output.append(UInt8(ascii: "-")) }
    output.append(copying: digits.span.extracting(start..<20))
  }

  /// Appends the number divided by 10 to the power of `places`, exactly and without trailing zeros:
  /// `0.000123`, `-1.5`, `12`.
  package func append(to bytes: inout [UInt8], places: Int) {
    bytes.append(addingCapacity: Self.bytesMax) { append(to: &$0, places: places) }
  }

  func append(to output: inout OutputSpan<UInt8>, places: Int) {
    precondition((0..<20).contains(places), "no integer has so many places")
    if isNegative { output.append(UInt8(ascii: "-")) }
    let point = 20 - places
    // What is left of the number is filled up with zeros.
    let first = min(start, point - 1)
    output.append(copying: digits.span.extracting(first..<point))
    var end = 20
    while end > point, digits[end - 1] == UInt8(ascii: "0") { end -= 1 }
    guard end > point else { return }
    output.append(UInt8(ascii: "."))
    output.append(copying: digits.span.extracting(point..<end))
  }
}
