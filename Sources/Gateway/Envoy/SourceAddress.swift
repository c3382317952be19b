import Bytes
import Glibc

/// Where a request came from, as records have it: `ip:port`, an IPv6 address in brackets. Nothing but
/// the text of such an address gets in: a Unix socket's path is none.
struct SourceAddress {
  /// The longest there is: `[`, the longest IPv6 address with a scope, `]:` and a port.
  static let byteCountMax = 64
  private static let scopeDigitsMax = 10

  let text: String

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
    self.init(address: host, port: port)
    guard isBracketed == text.hasPrefix("[") else { return nil }
  }

  /// `envoy.config.core.v3.SocketAddress`: `address` and `port_value`.
  init?(address: Span<UInt8>, port: UInt32) {
    guard address.count <= Self.byteCountMax, port <= UInt32(UInt16.max) else { return nil }
    let host = String(decoding: address.copy(), as: UTF8.self)
    if Self.isAddress(host, of: AF_INET) {
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
    return UInt32(String(decoding: text.copy(), as: UTF8.self), radix: 10).flatMap {
      text[0] == UInt8(ascii: "+") || text[0] == UInt8(ascii: "-") ? nil : $0
    }
  }

  /// RFC 4007, section 11: perhaps with the number of its zone.
  private static func isScopedIPv6(_ text: Span<UInt8>) -> Bool {
    var address = text
    if let percent = last(UInt8(ascii: "%"), in: text) {
      let scope = text.extracting(droppingFirst: percent + 1)
      guard number(scope, digitsMax: scopeDigitsMax) != nil else { return false }
      address = text.extracting(first: percent)
    }
    return isAddress(String(decoding: address.copy(), as: UTF8.self), of: AF_INET6)
  }

  /// inet_pton(3), which takes literals only.
  private static func isAddress(_ text: String, of family: Int32) -> Bool {
    var bytes = in6_addr()
    // Both live for the call; the larger of the two families' addresses has room for either. A NUL
    // would end the text early for C.
    guard !text.utf8.contains(0) else { return false }
    return unsafe inet_pton(family, text, &bytes) == 1
  }
}
