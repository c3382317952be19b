/// Writes into memory that `Exposition.write` has reserved for all that follows. Bytes are copied in
/// bulk, and the bounds are checked once for each copy or number.
@safe struct LineCursor {
  /// The most bytes of a value: the digits of the largest number, a point and the decimals.
  static let valueBytesMax = 42

  /// Valid for the call that made the cursor; never kept beyond it.
  private let start: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  private(set) var count: Int

  /// - Parameter buffer: must stay valid as long as the cursor is used.
  init(_ buffer: UnsafeMutableBufferPointer<UInt8>, count: Int) {
    // The buffer is not empty, so it has an address.
    unsafe start = buffer.baseAddress!
    capacity = buffer.count
    self.count = count
  }

  @inline(__always)
  mutating func copy(_ bytes: Span<UInt8>) {
    let more = bytes.count
    guard more > 0 else { return }
    precondition(more <= capacity - count, "room was made")
    let place = count
    // Both sides have at least `more` bytes, and the span is valid for the call.
    unsafe bytes.withUnsafeBufferPointer {
      unsafe (start + place).initialize(from: $0.baseAddress!, count: more)
    }
    count += more
  }

  @inline(__always)
  mutating func byte(_ byte: UInt8) {
    precondition(count < capacity, "room was made")
    put(byte, at: count)
    count += 1
  }

  mutating func number(_ value: UInt64) { digits(value, atLeast: 1) }

  /// `value / unit` exactly, for a unit that is ten to the power of `decimals`.
  mutating func fraction(_ value: UInt64, per unit: UInt64, decimals: Int) {
    let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
    number(whole)
    guard rest > 0 else { return }
    byte(UInt8(ascii: "."))
    var (left, width) = (rest, decimals)
    while left % 10 == 0 {
      left /= 10
      width -= 1
    }
    digits(left, atLeast: width)
  }

  private mutating func digits(_ value: UInt64, atLeast width: Int) {
    var length = 1
    var rest = value
    while rest >= 10 {
      rest /= 10
      length += 1
    }
    length = max(length, width)
    precondition(length <= capacity - count, "room was made")
    var place = count + length
    rest = value
    while place > count {
      place -= 1
      put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), at: place)
      rest /= 10
    }
    count += length
  }

  /// Writes a byte. The caller has checked that there is room.
  @inline(__always)
  private func put(_ byte: UInt8, at place: Int) {
    // `place` is inside the buffer, and a byte needs no deinitialization.
    unsafe (start + place).initialize(to: byte)
  }
}
