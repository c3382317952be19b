/// The host that a Host field names; its port is checked and dropped: RFC 9110 section 7.2, RFC
/// 3986 section 3.2.
package struct HTTPAuthority: Equatable, Sendable {
  /// In lower case, without brackets.
  package let host: String
  /// Whether it stood in brackets: an IPv6 address.
  private let isBracketed: Bool

  /// nil where `text` is not a name or an address, with or without a port.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    var rest: ArraySlice<UInt8>
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      host = String(decoding: bytes[1..<end], as: UTF8.self).lowercased()
      guard host.contains(":"), SocketAddress(literal: host, port: 0) != nil else { return nil }
      isBracketed = true
      rest = bytes[(end + 1)...]
    } else {
      let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
      guard bytes[..<end].allSatisfy(Self.isNameByte) else { return nil }
      host = String(decoding: bytes[..<end], as: UTF8.self).lowercased()
      isBracketed = false
      rest = bytes[end...]
    }
    guard rest.popFirst() != nil else { return }
    guard bytes[bytes.count - rest.count - 1] == UInt8(ascii: ":"),
      rest.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
    else { return nil }
    // An empty port means the scheme's own: RFC 3986 section 3.2.3.
    guard rest.isEmpty || rest.count <= 5 && UInt16(String(decoding: rest, as: UTF8.self)) != nil
    else { return nil }
  }

  /// Whether it is `localhost` or a literal address. Any other name may be one that an attacker's
  /// DNS points at this machine (DNS rebinding): a browser would give our answers to the attacker's
  /// page.
  package var isLocalhostOrLiteral: Bool {
    if isBracketed { return true }
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    // RFC 6761 section 6.3: names under localhost never go to DNS.
    if name == "localhost" || name.hasSuffix(".localhost") { return true }
    return SocketAddress(literal: host, port: 0) != nil
  }

  /// A byte of a reg-name; percent-encoding is left out, because no host's name needs it.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
