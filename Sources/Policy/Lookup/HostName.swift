/// A host as a request names it: a DNS name, an IPv4 literal or a bracketed IPv6 literal, with or
/// without a port (RFC 3986, section 3.2.2 and 3.2.3; RFC 9110, section 7.2).
enum HostName: Equatable {
  /// The range of the name, without the port and one trailing dot.
  case name(Range<Int>)
  case ipv6(IPv6Address)

  /// The most bytes of a host with its port.
  static let hostBytesMax = 255
  /// The most bytes of a name (RFC 1035, section 2.3.4).
  static let nameBytesMax = 253
  /// The most bytes of one label (RFC 1035, section 2.3.4).
  static let labelBytesMax = 63

  /// Reads the value of a Host or `:authority` header; nil where it is malformed.
  init?(_ host: Span<UInt8>) {
    guard host.count > 0, host.count <= Self.hostBytesMax else { return nil }
    if host[0] == UInt8(ascii: "[") {
      guard let end = Self.index(of: UInt8(ascii: "]"), in: host),
        let address = IPv6Address(host.extracting(1..<end)),
        Self.isPort(host.extracting((end + 1)..<host.count))
      else { return nil }
      self = .ipv6(address)
      return
    }
    var end = Self.index(of: UInt8(ascii: ":"), in: host) ?? host.count
    guard Self.isPort(host.extracting(end..<host.count)) else { return nil }
    if end > 0, host[end - 1] == UInt8(ascii: ".") { end -= 1 }
    guard Self.isName(host.extracting(0..<end)) else { return nil }
    self = .name(0..<end)
  }

  /// Dot-separated labels of letters, digits, `-` and `_`.
  private static func isName(_ name: Span<UInt8>) -> Bool {
    guard name.count > 0, name.count <= nameBytesMax else { return false }
    var label = 0
    for at in 0..<name.count {
      switch name[at] {
      case UInt8(ascii: "."):
        guard label > 0 else { return false }
        label = 0
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        label += 1
        guard label <= labelBytesMax else { return false }
      default: return false
      }
    }
    return label > 0
  }

  /// Whether the text is empty, or a colon and a number from 1 to 65,535.
  private static func isPort(_ text: Span<UInt8>) -> Bool {
    if text.count == 0 { return true }
    guard text[0] == UInt8(ascii: ":"), (2...6).contains(text.count) else { return false }
    var port = 0
    for at in 1..<text.count {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[at]) else { return false }
      port = port * 10 + Int(text[at] - UInt8(ascii: "0"))
    }
    return (1...65_535).contains(port)
  }

  private static func index(of byte: UInt8, in span: Span<UInt8>) -> Int? {
    for at in 0..<span.count where span[at] == byte { return at }
    return nil
  }
}
