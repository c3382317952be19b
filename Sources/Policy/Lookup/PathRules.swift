import Bytes

/// Which paths can match anything: only those that every proxy and server on the way reads the same.
enum PathRules {
  /// What may be percent-encoded in a path.
  enum Escapes {
    /// What no server decodes before it compares.
    case inert
    /// Anything, well-formed or not: the path goes to no other server.
    case any
  }

  /// Where the path ends and the query begins, if there is one. Nil for a path that never matches: with a
  /// byte outside 0x21...0x7e or a `#` anywhere, or before the query with `//`, `;`, `\`, a segment `.` or
  /// `..`, a malformed percent-encoding, or one of a byte that servers may decode before they compare
  /// (`neverEncoded`).
  static func pathEnd(_ path: Span<UInt8>, withEscapes escapes: Escapes = .inert) -> Int? {
    guard path.count > 0, path[0] == UInt8(ascii: "/") else { return nil }
    var end = path.count
    for at in 0..<path.count {
      let byte = path[at]
      guard (0x21...0x7e).contains(byte), byte != UInt8(ascii: "#") else { return nil }
      if byte == UInt8(ascii: "?"), end == path.count { end = at }
    }
    var segmentStart = 1
    for at in 0...end where at == end || path[at] == UInt8(ascii: "/") {
      if at == 0 { continue }
      let segment = path.extracting(segmentStart..<at)
      // Only the last segment may be empty, after a slash at the end.
      if segment.count == 0, at < end { return nil }
      guard isPlain(segment, escapes) else { return nil }
      segmentStart = at + 1
    }
    return end
  }

  private static func isPlain(_ segment: Span<UInt8>, _ escapes: Escapes) -> Bool {
    if segment.count == 1, segment[0] == UInt8(ascii: ".") { return false }
    if segment.count == 2, segment[0] == UInt8(ascii: "."), segment[1] == UInt8(ascii: ".") {
      return false
    }
    for at in 0..<segment.count {
      switch segment[at] {
      case UInt8(ascii: ";"), UInt8(ascii: "\\"): return false
      case UInt8(ascii: "%") where escapes == .inert:
        guard at + 2 < segment.count, let high = Hex.value(segment[at + 1]),
          let low = Hex.value(segment[at + 2])
        else { return false }
        if neverEncoded(high << 4 | low) { return false }
      default: break
      }
    }
    return true
  }

  /// Whether a proxy or server may decode the percent-encoding of this byte: unreserved ones (RFC 3986,
  /// section 2.3), separators and control characters.
  private static func neverEncoded(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: "\\"),
      UInt8(ascii: "%"), UInt8(ascii: ";"), 0...0x1f, 0x7f:
      true
    default: false
    }
  }
}
