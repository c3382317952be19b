import Bytes

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
    guard HeaderValue.isToken(text.utf8) else {
      log.error(
        node, "\(quoted(text)) is no header name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~"
      )
      return nil
    }
    let name = text.lowercased()
    let isOurs = ["x-ai-", "x-gateway-", "x-llm-d-"].contains { name.hasPrefix($0) }
    guard !isOurs, !["host", "content-length", "content-type"].contains(name) else {
      log.error(
        node, "\(quoted(name)) is written by Tollgate or by HTTP itself; take another header")
      return nil
    }
    return PlacedText(text: name, node: node)
  }

  /// `auth.jwt`
  func issuers(_ node: Node) -> [IssuerDraft] {
    var places: [String: Node] = [:]
    return list(node, max: bounds.jwtMax, "jwtMax").compactMap { node in
      guard let draft = issuer(node) else { return nil }
      let name = draft.issuer.issuer
      if let first = places[name] {
        log.error(
          node,
          "issuer \(quoted(name)) is given twice; the first is at \(log.text(of: first.place))"
        )
      } else {
        places[name] = node
      }
      return draft
    }
  }

  private func issuer(_ node: Node) -> IssuerDraft? {
    let known = ["issuer", "metadata_key", "tenant_claim", "subject_claim", "tenants"]
    guard let fields = fields(node, known: known) else { return nil }
    func required(_ name: String, _ example: String) -> Node? {
      if fields[name] == nil { missing(node, name, example) }
      return fields[name]
    }
    let issuer = required("issuer", "the `iss` of its tokens").flatMap(text)
    let metadataKey = required("metadata_key", "the `payload_in_metadata` of Envoy's jwt_authn")
      .flatMap(text)
    let tenantClaim = required("tenant_claim", "the claim that names the tenant").flatMap(claim)
    let subjectClaim = fields["subject_claim"].flatMap(claim)
    let tenants = fields["tenants"].map(claimTenants)
    guard let issuer, let metadataKey, let tenantClaim else { return nil }
    return IssuerDraft(
      issuer: JWTIssuer(
        issuer: issuer, metadataKey: metadataKey, tenantClaim: tenantClaim,
        subjectClaim: subjectClaim ?? JWTIssuer.Claim(keys: ["sub"]),
        tenants: tenants.map {
          Dictionary($0.map { ($0.value, $0.tenant.text) }, uniquingKeysWith: { $1 })
        }),
      tenants: tenants?.map(\.tenant) ?? [])
  }

  private func text(_ node: Node) -> String? {
    text(node, max: bounds.textBytesMax, "textBytesMax")
  }

  /// A claim: its key, or a list of the keys that lead to it.
  private func claim(_ node: Node) -> JWTIssuer.Claim? {
    if case .string = node.value.kind { return text(node).map { JWTIssuer.Claim(keys: [$0]) } }
    guard case .array(let elements) = node.value.kind else {
      refuseKind(node, "a claim's key in quotes, or a list of the keys that lead to it")
      return nil
    }
    if elements.isEmpty { log.error(node, "must name at least one key") }
    let keys = list(node, max: bounds.claimKeysMax, "claimKeysMax").map(text)
    guard !keys.isEmpty, !keys.contains(nil) else { return nil }
    return JWTIssuer.Claim(keys: keys.compactMap(\.self))
  }

  /// An issuer's `tenants`: tenants by the values of the claim.
  private func claimTenants(_ node: Node) -> [(value: String, tenant: PlacedText)] {
    let entries = named(node)
    guard entries.count <= bounds.claimTenantsMax else {
      log.error(
        node,
        "has \(entries.count) entries; at most \(bounds.claimTenantsMax) are allowed (claimTenantsMax)"
      )
      return []
    }
    if entries.isEmpty, case .object = node.value.kind {
      log.error(node, "must have an entry: without one no caller of this issuer has a tenant")
    }
    return entries.compactMap { entry in
      guard
        check(
          entry.name, at: entry.keyPlace, entry.node.path, max: bounds.textBytesMax,
          "textBytesMax"),
        let tenant = name(entry.node)
      else { return nil }
      return (entry.name, PlacedText(text: tenant, node: entry.node))
    }
  }
}
