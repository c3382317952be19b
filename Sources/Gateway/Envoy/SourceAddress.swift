import Bytes
import Glibc

/// Where a request came from, as records have it: `ip:port`, an IPv6 address in brackets. Nothing but
/// the text of such an address gets in: a Unix socket's path is none.
struct SourceAddress {
  /// The longest there is: `[`, the longest IPv6 address with a scope, `]:` and a port.
  static let byteCountMax = 64
  private static let scopeDigitsMax = 10

  let text: String

  private init(text: String) { self.text = text }

  /// Envoy's attribute `source.address`.
  init?(_ attribute: Span<UInt8>) {
    guard attribute.count <= Self.byteCountMax,
      let colon = Self.last(UInt8(ascii: ":"), in: attribute),
      let port = Self.number(attribute.extracting(droppingFirst: colon + 1), digitsMax: 5)
    else { return nil }
    var host = attribute.extracting(first: colon)
    let isBracketed =
      host.count > 2 && host[0] == UInt8(ascii: "[") && host[host.count - 1] == UInt8(ascii: "]")
    if isBracketed { host = host.extracting(1..<(host.count - 1)) }
    if !isBracketed, port <= UInt32(UInt16.max), Self.isIPv4(host),
      attribute[colon + 1] != UInt8(ascii: "0")
    {
      self.init(text: attribute.text)
      return
    }
    self.init(address: host, port: port)
    guard isBracketed == text.hasPrefix("[") else { return nil }
  }

  /// `envoy.config.core.v3.SocketAddress`: `address` and `port_value`.
  init?(address: Span<UInt8>, port: UInt32) {
    guard address.count <= Self.byteCountMax, port <= UInt32(UInt16.max) else { return nil }
    let host = address.text
    if Self.isIPv4(address) {
      text = "\(host):\(port)"
    } else if Self.isScopedIPv6(address) {
      text = "[\(host)]:\(port)"
    } else {
      return nil
    }
  }

  private static func last(_ byte: UInt8, in text: Span<UInt8>) -> Int? {
    text.indices.reversed().first { text[$0] == byte }
  }

  /// Decimal digits without a sign.
  private static func number(_ text: Span<UInt8>, digitsMax: Int) -> UInt32? {
    guard !text.isEmpty, text.count <= digitsMax else { return nil }
    var number: UInt64 = 0
    for index in text.indices {
      guard (0x30...0x39).contains(text[index]) else { return nil }
      number = number * 10 + UInt64(text[index] & 0x0f)
    }
    return UInt32(exactly: number)
  }

  /// Four numbers up to 255, without leading zeros, as inet_pton(3) takes them.
  private static func isIPv4(_ text: Span<UInt8>) -> Bool {
    var (parts, digits, number) = (0, 0, 0)
    for index in text.indices {
      switch text[index] {
      case UInt8(ascii: "."):
        guard digits > 0, parts < 3 else { return false }
        parts += 1
        (digits, number) = (0, 0)
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        guard digits == 0 || number > 0 else { return false }
        digits += 1
        number = number * 10 + Int(text[index] & 0x0f)
        guard number <= 255 else { return false }
      default: return false
      }
    }
    return parts == 3 && digits > 0
  }

  /// RFC 4007, section 11: perhaps with the number of its zone.
  private static func isScopedIPv6(_ text: Span<UInt8>) -> Bool {
    var address = text
    if let percent = last(UInt8(ascii: "%"), in: text) {
      let scope = text.extracting(droppingFirst: percent + 1)
      guard number(scope, digitsMax: scopeDigitsMax) != nil else { return false }
      address = text.extracting(first: percent)
    }
    return isIPv6(address.text)
  }

  /// inet_pton(3), which takes literals only.
  private static func isIPv6(_ text: String) -> Bool {
    var bytes = in6_addr()
    // Both live for the call. A NUL would end the text early for C.
    guard !text.utf8.contains(0) else { return false }
    return unsafe inet_pton(AF_INET6, text, &bytes) == 1
  }
}
