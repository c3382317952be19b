extension RequestScanner {
  /// Reads whitespace, the six structural characters (RFC 8259, 2) and short values that are whole in
  /// this chunk, up to a value that has a state of its own. Returns the index of the next unread byte.
  mutating func scanStructure(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, state.isStructural {
      let byte = bytes[index]
      let place = index
      index += 1
      if byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
        guard state == .markSecond || state == .markThird else { continue }
      }
      switch state {
      case .value:
        index = scanValue(bytes, from: place)
      case .valueOrEnd where byte == UInt8(ascii: "]"),
        .memberOrEnd where byte == UInt8(ascii: "}"):
        close(at: consumed + place)
      case .valueOrEnd:
        index = scanValue(bytes, from: place)
      case .member, .memberOrEnd:
        index = scanKey(bytes, from: place)
      case .colon:
        takeColon(byte, at: consumed + place)
      case .separator:
        takeSeparator(byte, at: consumed + place)
      case .end:
        fail(.trailingData, at: consumed + place)
      case .start, .markSecond, .markThird:
        takeFirst(byte, at: consumed + place)
      case .literal, .minus, .zero, .integer, .point, .fraction, .exponentMark, .exponentSign,
        .exponent, .string, .escape, .unicodeEscape, .sequence, .failed:
        return place
      }
    }
    return index
  }

  /// Begins a value. A short plain string or a short integer that is not inspected is read at once, as
  /// the fast path; any other value gets a state of its own.
  @inline(__always)
  private mutating func scanValue(_ bytes: Span<UInt8>, from start: Int) -> Int {
    let byte = bytes[start]
    guard target == nil else {
      beginValue(byte, at: consumed + start)
      return start + 1
    }
    if byte == UInt8(ascii: "\"") {
      if let length = ByteRun.plainString(bytes, from: start + 1) {
        facts.textBytes += weight(ofText: length)
        state = .separator
        return start + length + 2
      }
    } else if byte &- UInt8(ascii: "1") < 9 {
      var end = start + 1
      while end < bytes.count, bytes[end] &- UInt8(ascii: "0") < 10 { end += 1 }
      if end < bytes.count, Self.endsNumber(bytes[end]) {
        if !nesting.isInObject { facts.arrayNumbers += 1 }
        if end - start > Self.numberBytesMax { facts.textBytes += end - start }
        state = .separator
        return end
      }
    }
    beginValue(byte, at: consumed + start)
    return start + 1
  }

  /// Whether an integer ends before the byte. (Whether JSON allows the byte here is checked next.)
  @inline(__always)
  private static func endsNumber(_ byte: UInt8) -> Bool {
    byte != UInt8(ascii: ".") && byte | 0x20 != UInt8(ascii: "e")
  }

  /// Begins a member. A short plain key is read at once, as the fast path.
  @inline(__always)
  private mutating func scanKey(_ bytes: Span<UInt8>, from start: Int) -> Int {
    beginMember(bytes[start], at: consumed + start)
    guard state == .string, let length = ByteRun.plainString(bytes, from: start + 1) else {
      return start + 1
    }
    state = .colon
    let name = bytes.extracting(start + 1..<start + 1 + length)
    if scope == .none {
      facts.textBytes += length
    } else if scope.wantsExactKeys {
      endKey(InspectedKey.named(name, in: scope), isExact: true)
    } else {
      string.name.append(name)
      endKey(string.name.key(in: scope), isExact: string.name.isExact)
    }
    return start + length + 2
  }

  private mutating func takeColon(_ byte: UInt8, at offset: Int) {
    guard byte == UInt8(ascii: ":") else { return fail(.syntax, at: offset) }
    state = .value
  }

  /// Reads what may follow a value: a comma, or the end of the object or array.
  private mutating func takeSeparator(_ byte: UInt8, at offset: Int) {
    switch byte {
    case UInt8(ascii: ","):
      state = nesting.isInObject ? .member : .value
      if scope.rawValue >= RequestScope.prompts.rawValue { beginElement() }
    case UInt8(ascii: "}") where nesting.isInObject, UInt8(ascii: "]") where !nesting.isInObject:
      close(at: offset)
    default:
      fail(.syntax, at: offset)
    }
  }

  /// Reads the first bytes of the body: it must be an object, with no byte order mark (EF BB BF)
  /// before it.
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
    if scope == .top { facts.hasMembers = true }
    if scope == .streamOptions { facts.streamOptionsIsEmpty = false }
    string.begin(scope == .none ? .key : .inspectedKey)
    state = .string
  }

  private mutating func beginValue(_ byte: UInt8, at offset: Int) {
    switch byte {
    case UInt8(ascii: "\""):
      string.begin(.text)
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
    let inner: RequestScope
    if nesting.depth == 0 {
      inner = .top
    } else if nesting.isInObject {
      inner = pending.value(isObject: object)
    } else {
      inner = scope.element(isObject: object)
    }
    pending = .none
    if scope == .prompts { prompts.elementOpened(numbers: facts.arrayNumbers) }
    nesting.open(object: object)
    if nesting.depth <= RequestScope.depthMax { scopes[nesting.depth - 1] = inner }
    scope = nesting.depth <= RequestScope.depthMax ? inner : .none
    state = object ? .memberOrEnd : .valueOrEnd
    if scope.hasEnd { beginScope() }
  }

  private mutating func close(at offset: Int) {
    let closed = scope
    let isEmpty = state == .valueOrEnd
    nesting.close()
    let depth = nesting.depth
    scope = depth > 0 && depth <= RequestScope.depthMax ? scopes[depth - 1] : .none
    state = depth == 0 ? .end : .separator
    if closed.hasEnd { endScope(closed, isEmpty: isEmpty, end: offset + 1) }
    if scope == .prompts { prompts.elementClosed(numbers: facts.arrayNumbers) }
  }
}
