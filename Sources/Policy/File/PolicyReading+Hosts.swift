extension PolicyReading {
  /// A list of hostnames, in lower case.
  func hostnames(_ node: Node?) -> [PlacedText] {
    list(node, max: bounds.hostnamesMax, "hostnamesMax").compactMap(hostname)
  }

  private func hostname(_ node: Node) -> PlacedText? {
    guard
      let text = text(node, max: HostName.nameBytesMax, "hostnameBytesMax")
    else { return nil }
    if text.utf8.contains(UInt8(ascii: "*")) {
      log.error(node, "a hostname may not have a *; list each one")
      return nil
    }
    let bytes = Array(text.lowercased().utf8)
    switch HostName(bytes.span) {
    case .name(let range) where range == bytes.indices:
      return PlacedText(text: text.lowercased(), node: node)
    case .ipv6(let address) where bytes.last == UInt8(ascii: "]"):
      // The canonical spelling, so that different spellings of an address are one host.
      return PlacedText(text: address.description, node: node)
    case .name, .ipv6:
      log.error(node, "\(quoted(text)) must be the bare name, without port or trailing dot")
    case nil:
      log.error(node, "\(quoted(text)) is no hostname (an IPv6 address stands in brackets)")
    }
    return nil
  }

  /// The URI of one entry of `principals`.
  func principal(_ node: Node) -> PlacedText? {
    guard let fields = fields(node, known: ["uri"]) else { return nil }
    guard let uri = fields["uri"] else {
      missing(node, "uri", "`uri: \"spiffe://…\"`")
      return nil
    }
    guard let text = text(uri, max: bounds.principalBytesMax, "principalBytesMax") else {
      return nil
    }
    if let fault = Self.principalFault(text) {
      log.error(uri, "\(quoted(text)) \(fault)")
      return nil
    }
    return PlacedText(text: text, node: uri)
  }

  /// What is wrong with a principal's URI (for `spiffe:` see SPIFFE-ID, section 2); nil where it is valid.
  private static func principalFault(_ text: String) -> String? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let scheme = parts.first, scheme.last == ":", scheme.utf8.count > 1,
      scheme.dropLast().utf8.allSatisfy({ isSchemeByte($0) }),
      scheme.first?.isLetter == true, parts.count >= 3, parts[1].isEmpty
    else { return "is no URI; write \"spiffe://trust-domain/…\"" }
    guard !text.utf8.contains(0x20) else { return "may not have spaces" }
    if parts[2].isEmpty || parts[2].contains("*") {
      return "needs its trust domain in full: no * before the path"
    }
    guard scheme == "spiffe:" else { return nil }
    let trustDomainIsGood = parts[2].utf8.allSatisfy { byte in
      isSegmentByte(byte) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
    guard trustDomainIsGood else {
      return "has a trust domain that may have only a-z, 0-9, . - and _"
    }
    for segment in parts.dropFirst(3) {
      if segment.isEmpty { return "has an empty path segment" }
      if segment == "." || segment == ".." { return "has a segment \(segment)" }
      let isGood = segment.utf8.allSatisfy { isSegmentByte($0) || $0 == UInt8(ascii: "*") }
      if !isGood { return "has a path that may have only letters, digits, . - _ and *" }
    }
    return nil
  }

  private static func isSchemeByte(_ byte: UInt8) -> Bool {
    isSegmentByte(byte) && byte != UInt8(ascii: "_") || byte == UInt8(ascii: "+")
  }

  private static func isSegmentByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
