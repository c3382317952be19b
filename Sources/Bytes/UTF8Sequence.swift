/// One UTF-8 sequence of two to four bytes as they arrive (RFC 3629, section 4: no overlong form, no
/// surrogate, nothing past U+10FFFF). Public, so that the scanners of other targets get its members
/// inlined.
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

  /// Where the first byte stands that begins no whole sequence; nil where all the bytes are UTF-8.
  package static func firstInvalid(in bytes: Span<UInt8>) -> Int? {
    var index = 0
    while index < bytes.count {
      let start = index
      index += 1
      if bytes[start] < 0x80 { continue }
      guard var sequence = UTF8Sequence(lead: bytes[start]) else { return start }
      while sequence.remaining > 0 {
        guard index < bytes.count, sequence.take(bytes[index]) else { return start }
        index += 1
      }
    }
    return nil
  }

  /// The bytes that a scalar (or, from an escape, a lone surrogate) takes in UTF-8.
  @inlinable
  package static func byteCount(of scalar: UInt32) -> Int {
    scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
  }
}
