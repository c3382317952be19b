/// Where a request came from, as records have it: `ip:port`, an IPv6 address in brackets. Nothing but
/// the text of such an address gets in: a Unix socket's path is none.
struct SourceAddress {
  /// The longest there is: `[`, the longest IPv6 address with a scope, `]:` and a port.
  static let byteCountMax = 64
  private static let addressBytesMax = 45
  private static let scopeDigitsMax = 10

  let text: String

  /// Envoy's attribute `source.address`.
  init?(_ attribute: Span<UInt8>) {
    guard attribute.count <= Self.byteCountMax,
      let colon = Self.last(UInt8(ascii: ":"), in: attribute),
      Self.isPort(attribute.extracting(droppingFirst: colon + 1))
    else { return nil }
    let host = attribute.extracting(first: colon)
    if host.count > 2, host[0] == UInt8(ascii: "["), host[host.count - 1] == UInt8(ascii: "]") {
      guard Self.isScopedIPv6(host.extracting(1..<(host.count - 1))) else { return nil }
    } else {
      guard Self.isIPv4(host) else { return nil }
    }
    text = String(decoding: attribute.copy(), as: UTF8.self)
  }

  /// `envoy.config.core.v3.SocketAddress`: `address` and `port_value`.
  init?(address: Span<UInt8>, port: UInt32) {
    guard address.count <= Self.byteCountMax, port <= UInt32(UInt16.max) else { return nil }
    let host = String(decoding: address.copy(), as: UTF8.self)
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

  private static func isPort(_ text: Span<UInt8>) -> Bool {
    number(text, digitsMax: 5).map { $0 <= Int(UInt16.max) } ?? false
  }

  /// Decimal digits without a sign.
  private static func number(_ text: Span<UInt8>, digitsMax: Int) -> Int? {
    guard !text.isEmpty, text.count <= digitsMax else { return nil }
    var value = 0
    for index in text.indices {
      guard text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int(text[index] & 0x0f)
    }
    return value
  }

  /// Four decimal numbers of a byte each.
  private static func isIPv4(_ text: Span<UInt8>) -> Bool {
    var start = 0
    var parts = 0
    for index in 0...text.count where index == text.count || text[index] == UInt8(ascii: ".") {
      guard let part = number(text.extracting(start..<index), digitsMax: 3), part <= 255 else {
        return false
      }
      parts += 1
      start = index + 1
    }
    return parts == 4
  }

  /// RFC 4007, section 11: perhaps with the number of its zone.
  private static func isScopedIPv6(_ text: Span<UInt8>) -> Bool {
    guard let percent = last(UInt8(ascii: "%"), in: text) else { return isIPv6(text) }
    let scope = text.extracting(droppingFirst: percent + 1)
    return number(scope, digitsMax: scopeDigitsMax) != nil
      && isIPv6(text.extracting(first: percent))
  }

  /// RFC 4291, section 2.2: eight groups of hexadecimal digits, some of zeros left out once, the last
  /// two perhaps as an IPv4 address.
  private static func isIPv6(_ text: Span<UInt8>) -> Bool {
    guard text.count >= 2, text.count <= addressBytesMax else { return false }
    let colon = UInt8(ascii: ":")
    var groups = 0
    var isShortened = false
    var index = 0
    if text[0] == colon {
      guard text[1] == colon else { return false }
      isShortened = true
      index = 2
    }
    while index < text.count {
      var end = index
      while end < text.count, isHexDigit(text[end]) { end += 1 }
      if end < text.count, text[end] == UInt8(ascii: ".") {
        guard isIPv4(text.extracting(droppingFirst: index)) else { return false }
        groups += 2
        break
      }
      guard end > index, end - index <= 4 else { return false }
      groups += 1
      if end == text.count { break }
      guard text[end] == colon, end + 1 < text.count else { return false }
      index = end + 1
      if text[index] == colon {
        guard !isShortened else { return false }
        isShortened = true
        index += 1
      }
    }
    return isShortened ? groups < 8 : groups == 8
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
      || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f")
  }
}
