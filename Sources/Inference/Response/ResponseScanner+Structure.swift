// Values, members and containers (RFC 8259, 2 to 6).

extension ResponseScanner {
  /// Reads structure and the short values in it, up to a longer string, to an object or array that is
  /// skipped, or to a line's end. Returns the index of the next unread byte.
  mutating func scanStructure(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte <= 0x20 {
        if isEvent, Self.isLineBreak(byte) { return index }
        // Whitespace ends a number or a literal; inside a string it is content.
        guard state.isStructural else { return index }
        if state == .bare || state == .number { endBare() }
        index += 1
        continue
      }
      switch state {
      case .member:
        index = scanMember(bytes, from: index)
      case .value:
        index = scanValue(bytes, from: index)
      case .colon:
        state = byte == UInt8(ascii: ":") ? .value : .broken
        index += 1
      case .separator:
        index += 1
        separate(byte)
      case .bare:
        index = scanBare(bytes, from: index)
      case .number:
        index = scanNumber(bytes, from: index)
      case .start:
        begin(byte)
        index += 1
      case .string, .escape, .unicodeEscape, .skip, .end, .broken:
        return index
      }
    }
    return index
  }

  private mutating func begin(_ byte: UInt8) {
    // A byte order mark before a whole body is skipped.
    if !isEvent, byte == 0xEF || byte == 0xBB || byte == 0xBF { return }
    if byte == UInt8(ascii: "{") {
      place = .root
      state = .member
    } else {
      state = .broken
      matchDone(byte)
    }
  }

  /// Reads a key, or the object's end. A member that is ignored is skipped at once with its value if it
  /// is short and whole in this piece, and so are those after it: most members are like that.
  private mutating func scanMember(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while true {
      guard bytes[index] == UInt8(ascii: "\"") else {
        if bytes[index] == UInt8(ascii: "}") { close() } else { state = .broken }
        return index + 1
      }
      guard let length = ByteRun.plainString(bytes, from: index + 1) else {
        beginString(.key)
        return index + 1
      }
      let colon = index + 2 + length
      member = ResponseMember(
        bytes.extracting(index + 1..<colon - 1), in: place, isEvent: hasEventNames)
      guard colon < bytes.count, bytes[colon] == UInt8(ascii: ":") else {
        state = .colon
        return colon
      }
      guard let end = plainValueEnd(bytes, from: colon + 1) else {
        state = .value
        return colon + 1
      }
      guard bytes[end] == UInt8(ascii: ","), end + 1 < bytes.count,
        bytes[end + 1] == UInt8(ascii: "\"")
      else {
        state = .separator
        return end
      }
      index = end + 1
    }
  }

  /// The index just after a value that can be skipped, if it is short and whole in this piece.
  @inline(__always)
  private func plainValueEnd(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    guard start < bytes.count else { return nil }
    var end = start + 1
    switch bytes[start] {
    case UInt8(ascii: "\"") where member == .ignored || member == .object:
      guard let length = ByteRun.plainString(bytes, from: end) else { return nil }
      // The one word that matters there has five letters.
      if member == .object, length == 5 { return nil }
      end += length + 1
    case UInt8(ascii: "n"):
      while end < bytes.count, !Self.endsBare(bytes[end]) { end += 1 }
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "-"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      guard member == .ignored else { return nil }
      while end < bytes.count, bytes[end] &- UInt8(ascii: "0") < 10 { end += 1 }
      while end < bytes.count, !Self.endsBare(bytes[end]) { end += 1 }
    default:
      return nil
    }
    return end < bytes.count ? end : nil
  }

  /// Begins a value, or ends an array. A closing bracket after a key is an error: the text is not read
  /// any further.
  @inline(__always)
  private mutating func scanValue(_ bytes: Span<UInt8>, from start: Int) -> Int {
    let byte = bytes[start]
    switch byte {
    case UInt8(ascii: "\""):
      noteChoice()
      if member == .madeOne { event.pictures += 1 }
      let role = member.stringRole
      if role == .content { event.hasText = true }
      if role == .ignored, let length = ByteRun.plainString(bytes, from: start + 1) {
        state = .separator
        return start + length + 2
      }
      if role == .count { number = TokenCountReading() }
      beginString(role)
      return start + 1
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      noteChoice()
      if member == .error { event.hasError = true }
      open(isArray: byte == UInt8(ascii: "["))
      return start + 1
    case UInt8(ascii: "]"):
      if place.isArray { close() } else { state = .broken }
      return start + 1
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      noteChoice()
      state = .bare
      if member.stringRole == .count {
        number = TokenCountReading()
        state = .number
      }
      return start
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "N"),
      UInt8(ascii: "I"):
      // NaN and Infinity are not JSON; servers in Python write them.
      if byte != UInt8(ascii: "n") { noteChoice() }
      if member == .error, byte == UInt8(ascii: "t") { event.hasError = true }
      state = .bare
      return start + 1
    default:
      state = .broken
      return start + 1
    }
  }

  /// Notes that there is a choice, whatever it is.
  @inline(__always)
  private mutating func noteChoice() {
    if place == .choices { event.hasChoices = true }
  }

  private mutating func open(isArray: Bool) {
    guard let inner = member.place(isArray: isArray, in: place) else {
      skippedDepth = 1
      skippedRole = member.skippedRole
      state = .skip
      return
    }
    outerPlaces = outerPlaces << 8 | UInt64(place.rawValue)
    if Self.isUsage(inner, in: place) { usage = UsageFields() }
    if inner == .promptKind || inner == .completionKind {
      kindField = nil
      kindCount = TokenCountReading()
    }
    place = inner
    beginElement()
  }

  /// Makes ready for the next member of an object or element of an array.
  private mutating func beginElement() {
    if place.isArray {
      member = ResponseMember(elementOf: place)
      state = .value
    } else {
      state = .member
    }
  }

  private mutating func separate(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: ","):
      beginElement()
    case UInt8(ascii: "}") where !place.isArray, UInt8(ascii: "]") where place.isArray:
      close()
    default:
      state = .broken
    }
  }

  private mutating func close() {
    let closed = place
    guard outerPlaces != 0, let outer = ResponsePlace(rawValue: UInt8(outerPlaces & 0xFF)) else {
      state = .end
      return
    }
    place = outer
    outerPlaces >>= 8
    state = .separator
    if closed == .promptKind || closed == .completionKind, let kindField {
      usage.take(kindField, kindCount)
    }
    if Self.isUsage(closed, in: outer) { endUsage() }
  }

  /// Whether that place is a usage object of its own, and not a part of one.
  private static func isUsage(_ inner: ResponsePlace, in outer: ResponsePlace) -> Bool {
    inner == .usage || outer == .wrapper && (inner == .billedUnits || inner == .countedTokens)
  }

  /// Adds a usage object to the event once it is complete.
  private mutating func endUsage() {
    event.usage.merge(usage)
    switch place {
    case .envelope: event.usagePlace = .message
    case .response: event.usagePlace = .response
    case .wrapper: event.usagePlace = .wrapper
    default: event.usagePlace = .top
    }
  }

  /// Skips a literal, or a number that is ignored.
  private mutating func scanBare(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if Self.endsBare(byte) {
        state = .separator
        break
      }
      index += 1
    }
    return index
  }

  private mutating func scanNumber(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if Self.endsBare(byte) {
        endNumber()
        break
      }
      number.take(byte)
      index += 1
    }
    return index
  }

  @inline(__always)
  private static func endsBare(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
      || byte <= 0x20
  }

  private mutating func endBare() {
    if state == .number { endNumber() } else { state = .separator }
  }

  mutating func endNumber() {
    state = .separator
    if member == .modalityCount { kindCount = number }
    guard case .tokens(let field) = member else { return }
    guard place == .root else { return usage.take(field, number) }
    event.usage.take(field, number)
    event.usagePlace = .wrapper
  }
}
