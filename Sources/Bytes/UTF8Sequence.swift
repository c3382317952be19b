/// One multi-byte UTF-8 sequence as its bytes arrive (RFC 3629, 4: no overlongs, no surrogates,
/// nothing past U+10FFFF).
public struct UTF8Sequence: Sendable {
  /// Bytes that are still to come.
  @usableFromInline package internal(set) var remaining: UInt8
  /// The scalar's bits so far.
  @usableFromInline package internal(set) var scalar: UInt32
  @usableFromInline var lowest: UInt8 = 0x80
  @usableFromInline var highest: UInt8 = 0xBF

  /// Nil when no sequence can begin with the byte.
  @inlinable
  package init?(lead: UInt8) {
    switch lead {
    case 0xC2...0xDF:
      remaining = 1
      scalar = UInt32(lead & 0x1F)
    case 0xE0...0xEF:
      remaining = 2
      scalar = UInt32(lead & 0x0F)
      if lead == 0xE0 { lowest = 0xA0 }
      if lead == 0xED { highest = 0x9F }
    case 0xF0...0xF4:
      remaining = 3
      scalar = UInt32(lead & 0x07)
      if lead == 0xF0 { lowest = 0x90 }
      if lead == 0xF4 { highest = 0x8F }
    default:
      return nil
    }
  }

  /// Takes the next byte; false when it cannot stand there. The scalar is whole when none remain.
  @inlinable
  package mutating func take(_ byte: UInt8) -> Bool {
    guard byte >= lowest, byte <= highest else { return false }
    lowest = 0x80
    highest = 0xBF
    scalar = scalar << 6 | UInt32(byte & 0x3F)
    remaining -= 1
    return true
  }

  /// The bytes that a scalar (or, from an escape, a lone surrogate) takes in UTF-8.
  @inlinable
  package static func byteCount(of scalar: UInt32) -> Int {
    scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
  }
}
