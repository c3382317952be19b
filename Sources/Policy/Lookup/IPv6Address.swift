/// An IPv6 address as a number, so that different spellings of it are one host (RFC 4291, section 2.2;
/// without zones).
struct IPv6Address: Hashable, Sendable, CustomStringConvertible {
  let high: UInt64
  let low: UInt64

  /// All eight groups, in brackets.
  var description: String {
    let groups = [high, low].flatMap { half in
      [48, 32, 16, 0].map { String(half >> UInt64($0) & 0xffff, radix: 16) }
    }
    return "[" + groups.joined(separator: ":") + "]"
  }

  /// Reads an address without brackets; nil for anything else.
  init?(_ text: Span<UInt8>) {
    guard (2...45).contains(text.count) else { return nil }
    var groups = InlineArray<8, UInt64>(repeating: 0)
    var count = 0
    var gap: Int?
    var at = 0
    if text[0] == UInt8(ascii: ":") {
      guard text[1] == UInt8(ascii: ":") else { return nil }
      gap = 0
      at = 2
    }
    while at < text.count {
      guard count < 8 else { return nil }
      if let tail = Self.ipv4(text, at) {
        guard count <= 6 else { return nil }
        groups[count] = tail >> 16
        groups[count + 1] = tail & 0xffff
        count += 2
        at = text.count
        break
      }
      let start = at
      while at < text.count, let digit = Self.hex(text[at]), at - start < 4 {
        groups[count] = groups[count] << 4 | digit
        at += 1
      }
      guard at > start else { return nil }
      count += 1
      guard at < text.count else { break }
      guard text[at] == UInt8(ascii: ":"), at + 1 < text.count else { return nil }
      at += 1
      if text[at] == UInt8(ascii: ":") {
        guard gap == nil else { return nil }
        gap = count
        at += 1
      }
    }
    guard gap == nil ? count == 8 : count < 8 else { return nil }
    var whole = InlineArray<8, UInt64>(repeating: 0)
    for index in 0..<count {
      whole[index < gap ?? 8 ? index : index + 8 - count] = groups[index]
    }
    high = whole[0] << 48 | whole[1] << 32 | whole[2] << 16 | whole[3]
    low = whole[4] << 48 | whole[5] << 32 | whole[6] << 16 | whole[7]
  }

  /// A dotted IPv4 address from `start` to the end.
  private static func ipv4(_ text: Span<UInt8>, _ start: Int) -> UInt64? {
    var address: UInt64 = 0
    var (parts, digits, part) = (0, 0, UInt64(0))
    for at in start...text.count {
      if at == text.count || text[at] == UInt8(ascii: ".") {
        guard digits > 0, part < 256 else { return nil }
        address = address << 8 | part
        (parts, digits, part) = (parts + 1, 0, 0)
      } else {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[at]), digits < 3,
          digits == 0 || part > 0
        else { return nil }
        part = part * 10 + UInt64(text[at] - UInt8(ascii: "0"))
        digits += 1
      }
    }
    return parts == 4 ? address : nil
  }

  private static func hex(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
