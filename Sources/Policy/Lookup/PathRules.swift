import Bytes

/// Which paths may match at all: those that every server on the way reads alike.
enum PathRules {
  /// The end of the path proper, before any query; nil where the path has what never matches: bytes
  /// outside 0x21 to 0x7e, `#`, and before the query `//`, `;`, `\`, a segment `.` or `..`, a broken
  /// percent-encoding, or one of `/`, `\`, `.` or another unreserved byte (RFC 3986, section 2.3).
  static func pathEnd(_ path: Span<UInt8>) -> Int? {
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
      // An empty segment is only the one after the last slash.
      if segment.count == 0, at < end { return nil }
      guard isPlain(segment) else { return nil }
      segmentStart = at + 1
    }
    return end
  }

  private static func isPlain(_ segment: Span<UInt8>) -> Bool {
    if segment.count == 1, segment[0] == UInt8(ascii: ".") { return false }
    if segment.count == 2, segment[0] == UInt8(ascii: "."), segment[1] == UInt8(ascii: ".") {
      return false
    }
    for at in 0..<segment.count {
      switch segment[at] {
      case UInt8(ascii: ";"), UInt8(ascii: "\\"): return false
      case UInt8(ascii: "%"):
        guard at + 2 < segment.count, let high = Hex.value(segment[at + 1]),
          let low = Hex.value(segment[at + 2])
        else { return false }
        if neverEncoded(high << 4 | low) { return false }
      default: break
      }
    }
    return true
  }

  /// Bytes whose encoding someone on the way may undo.
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
