extension MultipartScanner {
  /// Reads a byte outside a part's content: delimiters and header lines.
  mutating func take(_ byte: UInt8, at offset: Int) {
    switch (state, byte) {
    case (.opening, _): takeOpening(byte, at: offset)
    case (.delimited, 0x0D): state = .delimitedReturn
    case (.delimited, UInt8(ascii: "-")) where parts > 0: state = .closing
    case (.delimitedReturn, 0x0A): beginPart(at: offset)
    case (.closing, UInt8(ascii: "-")): state = .closed
    case (.closed, 0x0D): state = .closedReturn
    case (.closedReturn, 0x0A): state = .end
    case (.headerLine, 0x0D): state = .headerReturn
    case (.headerReturn, 0x0A): endLine(at: offset)
    case (.headerLine, _): takeInLine(byte, at: offset)
    default: fail(at: offset)
    }
  }

  private mutating func takeOpening(_ byte: UInt8, at offset: Int) {
    if offset == 0, byte == 0x0D {
      matched = 0
    } else if byte == boundary.pattern[matched] {
      matched += 1
      if matched == boundary.pattern.count { state = .delimited }
    } else {
      fail(at: offset)
    }
  }

  private mutating func beginPart(at offset: Int) {
    guard parts < limits.partsMax else { return fail(at: offset) }
    parts += 1
    part = MultipartPart()
    headerBytes = 0
    state = .headerLine
  }

  private mutating func takeInLine(_ byte: UInt8, at offset: Int) {
    headerBytes += 1
    guard byte >= 0x20 || byte == 0x09, byte != 0x7F, headerBytes <= limits.headerBytesMax else {
      return fail(at: offset)
    }
    line.append(byte)
  }

  private mutating func endLine(at offset: Int) {
    if line.isEmpty {
      guard let name = part.name else { return fail(at: offset) }
      return beginContent(name: name, at: offset + 1)
    }
    let text = line
    line = []
    guard part.take(line: text.span) else { return fail(at: offset) }
    state = .headerLine
  }

  private mutating func beginContent(name: [UInt8], at offset: Int) {
    state = .content
    contentStart = offset
    // A delimiter needs a line end of its own before it; the one that ends the headers does not count.
    // So a delimiter that follows at once is matched, and then refused for want of a carriage return.
    matched = 1
    matchHasReturn = false
    field = inspectedField(name)
    captured.removeAll(keepingCapacity: true)
    capturedAll = true
  }

  /// The inspected field that the part is, or nil. Refuses one that is repeated, spelled differently,
  /// a file, or in a transfer encoding.
  private mutating func inspectedField(_ name: [UInt8]) -> InspectedKey? {
    var folded = FoldedName()
    var decoder = UTF8()
    var bytes = name.makeIterator()
    decoding: while true {
      switch decoder.decode(&bytes) {
      case .scalarValue(let scalar): folded.append(scalar.value)
      case .emptyInput: break decoding
      case .error: return nil
      }
    }
    guard let key = folded.key(in: .top) else { return nil }
    if key != .model, key != .stream { return guardedField(key, isExact: folded.isExact) }
    if isRepeated(key) || !folded.isExact {
      refuse(.duplicateKey(key))
    } else if part.isFile || part.hasTransferEncoding {
      refuse(.invalidValue(key))
    }
    return key
  }

  /// The field, where it needs the model's `allow_fields`; else nil.
  private mutating func guardedField(_ key: InspectedKey, isExact: Bool) -> InspectedKey? {
    var member = GuardedMember(key: key, places: [], isExact: isExact)
    guard member.field != nil else { return nil }
    if isRepeated(key) { refuse(.duplicateKey(key)) }
    if part.isFile || part.hasTransferEncoding { member.models = nil }
    facts.guarded.append(member)
    return key.namesModels ? key : nil
  }

  private mutating func isRepeated(_ key: InspectedKey) -> Bool {
    let bit = UInt64(1) << UInt64(key.rawValue)
    defer { keysSeen |= bit }
    return keysSeen & bit != 0
  }
}
