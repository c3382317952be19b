/// A host and perhaps a port, as the Host field has them: RFC 9110 section 7.2, RFC 3986 section 3.2.
package struct HTTPAuthority: Equatable, Sendable {
  /// Without brackets, in lower case.
  package let host: String
  package let port: UInt16?
  /// Stood in brackets.
  private let isBracketed: Bool

  /// nil where `text` is neither a name, nor an address, with at most a port.
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
    guard rest.popFirst() != nil else {
      port = nil
      return
    }
    guard bytes[bytes.count - rest.count - 1] == UInt8(ascii: ":"),
      rest.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
    else { return nil }
    // An empty port is the scheme's own: RFC 3986 section 3.2.3.
    if rest.isEmpty {
      port = nil
    } else {
      guard rest.count <= 5, let number = UInt16(String(decoding: rest, as: UTF8.self)) else {
        return nil
      }
      port = number
    }
  }

  /// Whether a page loaded by this name was surely loaded from this very machine's address, and
  /// not by a name that somebody's DNS has pointed here: `localhost` and literal addresses.
  package var isLocalhostOrLiteral: Bool {
    if isBracketed { return true }
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    // RFC 6761 section 6.3: names under localhost never go to DNS.
    if name == "localhost" || name.hasSuffix(".localhost") { return true }
    return SocketAddress(literal: host, port: 0) != nil
  }

  /// reg-name without percent-encoding, which no name of a host needs.
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
