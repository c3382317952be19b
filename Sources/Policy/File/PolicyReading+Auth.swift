extension PolicyReading {
  /// `auth.api_key_headers`: names in lower case.
  func apiKeyHeaders(_ node: Node) -> [String] {
    let names = list(node, max: bounds.headersMax, "headersMax").compactMap(headerName)
    refuseRepeats(names, "the header")
    return names.map(\.text)
  }

  /// A header's name (RFC 9110, section 5.1) in lower case. Names that Tollgate or HTTP itself sets are
  /// refused.
  func headerName(_ node: Node) -> PlacedText? {
    guard let text = text(node, max: bounds.textBytesMax, "textBytesMax") else { return nil }
    guard Self.isToken(text) else {
      log.error(
        node, "\(quoted(text)) is no header name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~"
      )
      return nil
    }
    let name = text.lowercased()
    let isOurs = ["x-ai-", "x-gateway-"].contains { name.hasPrefix($0) }
    guard !isOurs, !["host", "content-length", "content-type"].contains(name) else {
      log.error(
        node, "\(quoted(name)) is written by Tollgate or by HTTP itself; take another header")
      return nil
    }
    return PlacedText(text: name, node: node)
  }

  /// Whether the text is a `token` (RFC 9110, section 5.6.2).
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  /// `auth.jwt`
  func issuers(_ node: Node) -> [JWTIssuer] {
    var places: [String: Node] = [:]
    return list(node, max: bounds.jwtMax, "jwtMax").compactMap { node in
      guard let issuer = issuer(node) else { return nil }
      if let first = places[issuer.issuer] {
        log.error(
          node,
          "issuer \(quoted(issuer.issuer)) is given twice; the first is at \(log.text(of: first.place))"
        )
      } else {
        places[issuer.issuer] = node
      }
      return issuer
    }
  }

  private func issuer(_ node: Node) -> JWTIssuer? {
    let known = ["issuer", "metadata_key", "tenant_claim", "subject_claim"]
    guard let fields = fields(node, known: known) else { return nil }
    func required(_ name: String, _ example: String) -> String? {
      guard let value = fields[name] else {
        missing(node, name, example)
        return nil
      }
      return text(value, max: bounds.textBytesMax, "textBytesMax")
    }
    let issuer = required("issuer", "the `iss` of its tokens")
    let metadataKey = required("metadata_key", "the `payload_in_metadata` of Envoy's jwt_authn")
    let tenantClaim = required("tenant_claim", "the claim that names the tenant")
    let subjectClaim = fields["subject_claim"].map {
      text($0, max: bounds.textBytesMax, "textBytesMax")
    }
    guard let issuer, let metadataKey, let tenantClaim else { return nil }
    return JWTIssuer(
      issuer: issuer, metadataKey: metadataKey, tenantClaim: tenantClaim,
      subjectClaim: (subjectClaim ?? "sub") ?? "sub")
  }
}
