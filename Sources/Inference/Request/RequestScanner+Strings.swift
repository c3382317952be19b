import Bytes

// Strings (RFC 8259, 7).

extension RequestScanner {
  /// Reads the string up to its closing quote or the end of the chunk, or to an escape or sequence that
  /// is cut there. Returns the index of the next unread byte.
  mutating func scanString(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      // Bytes that are only counted go fastest.
      if string.role == .text || string.role == .key, string.highSurrogate == 0 {
        let prose = ByteRun.prose(bytes, from: index, wide: hasWideProse)
        string.byteCount += prose.passed - prose.escapes
        index += prose.passed
        if index == bytes.count { return index }
      }
      // What is kept or compared is read scalar by scalar where it is not ASCII.
      let run: Int
      switch string.role {
      case .text, .key, .media: run = ByteRun.text(bytes, from: index)
      case .inspectedKey, .captured: run = ByteRun.plain(bytes, from: index)
      }
      let end = index + run
      if run > 0 {
        take(run: bytes.extracting(index..<end))
        if end == bytes.count { return end }
      }
      index = end + 1
      switch bytes[end] {
      case UInt8(ascii: "\""):
        endString(at: consumed + end)
        return index
      case UInt8(ascii: "\\"):
        state = .escape
        guard index < bytes.count else { return index }
        takeEscape(bytes[index], at: consumed + index)
        index += 1
        if state != .string { return index }
      case 0..<0x20:
        fail(.syntax, at: consumed + end)
        return index
      case let lead:
        flushSurrogate()
        string.sequence = UTF8Sequence(lead: lead)
        if string.sequence == nil { fail(.encoding, at: consumed + end) } else { state = .sequence }
        return index
      }
    }
    return index
  }

  /// Reads a byte of an escape or of a UTF-8 sequence.
  mutating func takeInString(_ byte: UInt8, at offset: Int) {
    switch state {
    case .escape: takeEscape(byte, at: offset)
    case .unicodeEscape: takeHexDigit(byte, at: offset)
    default: takeContinuation(byte, at: offset)
    }
  }

  private mutating func takeContinuation(_ byte: UInt8, at offset: Int) {
    guard string.sequence?.take(byte) == true else { return fail(.encoding, at: offset) }
    guard let sequence = string.sequence, sequence.remaining == 0 else { return }
    string.sequence = nil
    state = .string
    take(scalar: sequence.scalar)
  }

  private mutating func takeEscape(_ byte: UInt8, at offset: Int) {
    let scalar: UInt32
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = UInt32(byte)
    case UInt8(ascii: "b"): scalar = 0x08
    case UInt8(ascii: "f"): scalar = 0x0C
    case UInt8(ascii: "n"): scalar = 0x0A
    case UInt8(ascii: "r"): scalar = 0x0D
    case UInt8(ascii: "t"): scalar = 0x09
    case UInt8(ascii: "u"):
      string.unit = 0
      string.digitsLeft = 4
      state = .unicodeEscape
      return
    default:
      return fail(.syntax, at: offset)
    }
    state = .string
    flushSurrogate()
    take(scalar: scalar)
  }

  private mutating func takeHexDigit(_ byte: UInt8, at offset: Int) {
    guard let digit = Hex.value(byte) else { return fail(.syntax, at: offset) }
    string.unit = string.unit << 4 | UInt32(digit)
    string.digitsLeft -= 1
    guard string.digitsLeft == 0 else { return }
    state = .string
    take(unit: string.unit)
  }

  /// Adds the code unit of a `\u` escape. Two that are a surrogate pair are one scalar (RFC 8259, 7).
  private mutating func take(unit: UInt32) {
    if string.highSurrogate != 0, 0xDC00...0xDFFF ~= unit {
      let scalar = 0x10000 + (string.highSurrogate - 0xD800) << 10 + (unit - 0xDC00)
      string.highSurrogate = 0
      return take(scalar: scalar)
    }
    flushSurrogate()
    if 0xD800...0xDBFF ~= unit {
      string.highSurrogate = unit
    } else {
      take(scalar: unit)
    }
  }

  /// A high surrogate that no low one followed counts as a scalar of its own.
  private mutating func flushSurrogate() {
    guard string.highSurrogate != 0 else { return }
    let lone = string.highSurrogate
    string.highSurrogate = 0
    take(scalar: lone)
  }

  /// Adds bytes that need no unescaping.
  private mutating func take(run: Span<UInt8>) {
    flushSurrogate()
    switch string.role {
    case .text, .key: string.byteCount += run.count
    case .media: string.media.add(run)
    case .captured:
      string.byteCount += run.count
      capture(run)
    case .inspectedKey: string.name.append(run)
    }
  }

  private mutating func take(scalar: UInt32) {
    switch string.role {
    case .text, .key: string.byteCount += UTF8Sequence.byteCount(of: scalar)
    case .media: string.media.add(scalar)
    case .captured:
      string.byteCount += UTF8Sequence.byteCount(of: scalar)
      capture(scalar)
    case .inspectedKey: string.name.append(scalar)
    }
  }

  /// The bytes that a text counts for. One of a list of texts is a token at least, however short it is.
  @inline(__always)
  func weight(ofText byteCount: Int) -> Int {
    nesting.isInObject ? byteCount : max(byteCount, Self.elementBytesMin)
  }

  private static var elementBytesMin: Int { 4 }

  private mutating func endString(at quote: Int) {
    flushSurrogate()
    switch string.role {
    case .key:
      state = .colon
      facts.textBytes += string.byteCount
    case .inspectedKey:
      state = .colon
      endKey(string.name.key(in: scope), isExact: string.name.isExact)
    case .text:
      state = .separator
      facts.textBytes += weight(ofText: string.byteCount)
    case .captured:
      state = .separator
      facts.textBytes += weight(ofText: string.byteCount)
      settleCaptured(end: quote + 1)
    case .media:
      state = .separator
      settleMedia(string.media)
    }
  }
}
