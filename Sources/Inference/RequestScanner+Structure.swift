extension RequestScanner {
  /// Passes over whitespace and the six structural characters (RFC 8259, 2), until something else
  /// begins. Returns the index of the first byte not taken.
  mutating func scanStructure(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      let offset = consumed + index
      index += 1
      if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
        guard state == .markSecond || state == .markThird else { continue }
      }
      switch state {
      case .value: beginValue(byte, at: offset)
      case .valueOrEnd: byte == UInt8(ascii: "]") ? close(at: offset) : beginValue(byte, at: offset)
      case .memberOrEnd:
        byte == UInt8(ascii: "}") ? close(at: offset) : beginMember(byte, at: offset)
      case .member: beginMember(byte, at: offset)
      case .colon: takeColon(byte, at: offset)
      case .separator: takeSeparator(byte, at: offset)
      case .end: fail(.trailingData, at: offset)
      case .start, .markSecond, .markThird: takeFirst(byte, at: offset)
      case .literal, .minus, .zero, .integer, .point, .fraction, .exponentMark, .exponentSign,
        .exponent, .string, .escape, .unicodeEscape, .sequence, .failed:
        return index - 1
      }
      if state.rawValue > State.end.rawValue { break }
    }
    return index
  }

  private mutating func takeColon(_ byte: UInt8, at offset: Int) {
    guard byte == UInt8(ascii: ":") else { return fail(.syntax, at: offset) }
    state = .value
  }

  /// What stands between values: a comma, or the end of the container.
  private mutating func takeSeparator(_ byte: UInt8, at offset: Int) {
    switch byte {
    case UInt8(ascii: ","):
      state = nesting.isInObject ? .member : .value
    case UInt8(ascii: "}") where nesting.isInObject, UInt8(ascii: "]") where !nesting.isInObject:
      close(at: offset)
    default:
      fail(.syntax, at: offset)
    }
  }

  /// The beginning of the body: an object, and no byte order mark (EF BB BF) before it.
  private mutating func takeFirst(_ byte: UInt8, at offset: Int) {
    switch (state, byte) {
    case (.start, UInt8(ascii: "{")):
      open(object: true, at: offset)
      facts.firstMemberOffset = offset + 1
    case (.start, 0xEF) where offset == 0: state = .markSecond
    case (.markSecond, 0xBB): state = .markThird
    case (.markThird, 0xBF): fail(.byteOrderMark, at: 0)
    case (.start, 0x80...0xC1), (.start, 0xF5...0xFF): fail(.encoding, at: offset)
    case (.start, UInt8(ascii: "[")), (.start, UInt8(ascii: "\"")), (.start, UInt8(ascii: "-")),
      (.start, UInt8(ascii: "0")...UInt8(ascii: "9")), (.start, UInt8(ascii: "t")),
      (.start, UInt8(ascii: "f")), (.start, UInt8(ascii: "n")):
      fail(.notAnObject, at: offset)
    default: fail(.syntax, at: offset)
    }
  }

  private mutating func beginMember(_ byte: UInt8, at offset: Int) {
    guard byte == UInt8(ascii: "\"") else { return fail(.syntax, at: offset) }
    switch nesting.depth {
    case 1:
      facts.hasMembers = true
      string = StringReading(role: .inspectedKey)
    case 2 where isInStreamOptions:
      facts.streamOptionsIsEmpty = false
      string = StringReading(role: .inspectedKey)
    default:
      string = StringReading(role: .key)
    }
    state = .string
  }

  private mutating func beginValue(_ byte: UInt8, at offset: Int) {
    switch byte {
    case UInt8(ascii: "\""):
      string = StringReading(role: .text)
      state = .string
      if target != nil { judge(.string, at: offset) }
    case UInt8(ascii: "{"):
      if target != nil { judge(.object, at: offset) }
      open(object: true, at: offset)
    case UInt8(ascii: "["):
      if target != nil { judge(.array, at: offset) }
      open(object: false, at: offset)
    case UInt8(ascii: "t"): beginLiteral(.true, at: offset)
    case UInt8(ascii: "f"): beginLiteral(.false, at: offset)
    case UInt8(ascii: "n"): beginLiteral(.null, at: offset)
    case UInt8(ascii: "-"): beginNumber(byte, .minus, at: offset)
    case UInt8(ascii: "0"): beginNumber(byte, .zero, at: offset)
    case UInt8(ascii: "1")...UInt8(ascii: "9"): beginNumber(byte, .integer, at: offset)
    default: fail(.syntax, at: offset)
    }
  }

  private mutating func open(object: Bool, at offset: Int) {
    guard nesting.depth < limits.depthMax else { return fail(.depth, at: offset) }
    nesting.open(object: object)
    state = object ? .memberOrEnd : .valueOrEnd
  }

  private mutating func close(at offset: Int) {
    nesting.close()
    if isInStreamOptions && nesting.depth == 1 {
      isInStreamOptions = false
      facts.streamOptionsRange = streamOptionsStart..<offset + 1
    }
    state = nesting.depth == 0 ? .end : .separator
  }
}
