// Literals (RFC 8259, 3) and numbers (RFC 8259, 6).

extension RequestScanner {
  /// The text of a literal.
  private static let literalBytes = 4
  /// Longer numbers than this are text: a token has no such number, and it is no bound.
  static let numberBytesMax = 20

  mutating func beginLiteral(_ literal: Literal, at offset: Int) {
    self.literal = literal
    literalRest = literal.rest
    state = .literal
    if target != nil { judge(literal == .null ? .null : .bool, at: offset) }
  }

  mutating func takeInLiteral(_ byte: UInt8, at offset: Int) {
    guard byte == UInt8(truncatingIfNeeded: literalRest) else {
      return fail(.syntax, at: offset)
    }
    literalRest >>= 8
    guard literalRest == 0 else { return }
    state = .separator
    // It reaches the model where it stands in a tool's schema.
    if scope == .none { facts.textBytes += Self.literalBytes }
    if target != nil { settle(literal: literal, end: offset + 1) }
  }

  mutating func beginNumber(_ first: UInt8, _ state: State, at offset: Int) {
    self.state = state
    numberStart = offset
    if !nesting.isInObject { facts.arrayNumbers += 1 }
    guard target != nil else { return }
    judge(.number, at: offset)
    integer = IntegerReading()
    integer.take(first)
  }

  /// Reads a number up to the byte after it, which alone shows that it has ended. Returns the index of
  /// that byte, which is not read.
  mutating func scanNumber(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    var state = state
    while index < bytes.count {
      let byte = bytes[index]
      guard let next = Self.next(after: state, byte) else {
        switch state {
        case .zero, .integer, .fraction, .exponent: endNumber(at: consumed + index)
        default: fail(.syntax, at: consumed + index)
        }
        return index
      }
      if target != nil { integer.take(byte) }
      state = next
      index += 1
    }
    self.state = state
    return index
  }

  @inline(__always)
  private static func next(after state: State, _ byte: UInt8) -> State? {
    let isDigit = byte &- UInt8(ascii: "0") < 10
    switch state {
    case .integer where isDigit, .fraction where isDigit, .exponent where isDigit:
      return state
    case .minus where isDigit:
      return byte == UInt8(ascii: "0") ? .zero : .integer
    case .point where isDigit:
      return .fraction
    case .exponentMark where isDigit, .exponentSign where isDigit:
      return .exponent
    case .zero where byte == UInt8(ascii: "."), .integer where byte == UInt8(ascii: "."):
      return .point
    case .zero where byte | 0x20 == UInt8(ascii: "e"),
      .integer where byte | 0x20 == UInt8(ascii: "e"),
      .fraction where byte | 0x20 == UInt8(ascii: "e"):
      return .exponentMark
    case .exponentMark where byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"):
      return .exponentSign
    default:
      return nil
    }
  }

  private mutating func endNumber(at end: Int) {
    state = .separator
    if end - numberStart > Self.numberBytesMax { facts.textBytes += end - numberStart }
    if target != nil { settleInteger(end: end) }
  }
}
