extension JSON5Reader {
  /// Skips white space, line terminators and comments (spec.json5.org, sections 7 and 8).
  mutating func skipBlank() {
    while let byte = next {
      switch byte {
      case 0x09...0x0d, 0x20:
        at += 1
      case UInt8(ascii: "/"):
        if !skipComment() { return }
      case 0x80...:
        let length = wideBlankLength
        if length == 0 { return }
        at += length
      default:
        return
      }
    }
  }

  /// The length of the white space outside ASCII at this place, in bytes: U+00A0, U+FEFF, U+2028, U+2029
  /// and category Zs. 0 where there is none.
  private var wideBlankLength: Int {
    let second = at + 1 < bytes.count ? bytes[at + 1] : 0
    let third = at + 2 < bytes.count ? bytes[at + 2] : 0
    switch (bytes[at], second, third) {
    case (0xc2, 0xa0, _): return 2
    case (0xef, 0xbb, 0xbf), (0xe1, 0x9a, 0x80), (0xe2, 0x80, 0x80...0x8a), (0xe2, 0x80, 0xa8),
      (0xe2, 0x80, 0xa9), (0xe2, 0x80, 0xaf), (0xe2, 0x81, 0x9f), (0xe3, 0x80, 0x80):
      return 3
    default: return 0
    }
  }

  /// Skips one comment; false where the slash does not begin one.
  private mutating func skipComment() -> Bool {
    let start = at
    guard at + 1 < bytes.count else { return false }
    switch bytes[at + 1] {
    case UInt8(ascii: "/"):
      at += 2
      while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
        if isLineSeparator { break }
        at += 1
      }
      return true
    case UInt8(ascii: "*"):
      at += 2
      while at + 1 < bytes.count {
        if bytes[at] == UInt8(ascii: "*"), bytes[at + 1] == UInt8(ascii: "/") {
          at += 2
          return true
        }
        at += 1
      }
      at = bytes.count
      fault(start, "this comment is never closed; add */")
      return true
    default:
      return false
    }
  }

  /// Whether U+2028 or U+2029 is at this place: JSON5 counts them as line terminators.
  var isLineSeparator: Bool {
    at + 2 < bytes.count && bytes[at] == 0xe2 && bytes[at + 1] == 0x80
      && bytes[at + 2] & 0xfe == 0xa8
  }
}
