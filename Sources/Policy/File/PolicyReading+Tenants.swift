import Bytes
import Terms

extension PolicyReading {
  private static let emptyDigest = SHA256.digest(of: [UInt8]().span)

  /// An entry of `tenants`. `maxSubjects` is the policy's own, for limits that state none.
  func tenant(_ named: NamedNode, maxSubjects: Int) -> TenantDraft? {
    var draft = TenantDraft(named: named)
    guard checkName(named.name, at: named.keyPlace, named.node.path) else { return nil }
    let known = [
      "plan", "hostnames", "keys", "principals", "allow", "limits", Self.admissionsField,
    ]
    guard let fields = fields(named.node, known: known) else { return nil }
    draft.plan = fields["plan"].flatMap { node in
      name(node).map { PlacedText(text: $0, node: node) }
    }
    draft.hostnames = hostnames(fields["hostnames"])
    let keys = list(fields["keys"], max: bounds.keysMax, "keysMax")
    draft.hasKeys = !keys.isEmpty
    draft.keys = keys.compactMap { key($0, of: named.name, maxSubjects: maxSubjects) }
    refuseRepeats(draft.keys.compactMap(\.id), "the key id")
    let principals = list(fields["principals"], max: bounds.principalsMax, "principalsMax")
    draft.hasPrincipals = !principals.isEmpty
    draft.principals = principals.compactMap(principal)
    (draft.allow, draft.hasAllow) = allowEntries(fields["allow"])
    draft.limits = limits(fields["limits"], owner: .tenant, maxSubjects: maxSubjects)
    if let node = fields[Self.admissionsField] {
      if let limit = admissionsLimit(node, beside: draft.limits, maxSubjects: maxSubjects) {
        draft.limits.append(limit)
      }
    }
    return draft
  }

  private static let admissionsField = "max_admissions_per_second"

  /// A tenant's `max_admissions_per_second`: a limit of that name on its requests, whatever they ask
  /// for. So refusals, headers, pages and metrics show it like any other limit.
  private func admissionsLimit(
    _ node: Node, beside limits: [LimitDraft], maxSubjects: Int
  ) -> LimitDraft? {
    guard let amount = integer(node, in: 1...bounds.amountMax) else { return nil }
    let name = PlacedText(text: Self.admissionsField, node: node)
    if let other = limits.first(where: { $0.name?.text == name.text }) {
      log.error(
        node, "is the name of a limit, too, at \(log.text(of: other.node.place)); rename that one")
    }
    let limit = Limit(
      name: name.text, kind: .requests, amount: amount, per: .second, burst: nil, scope: .tenant,
      models: nil, statedStoreLoss: nil, maxSubjects: maxSubjects)
    return LimitDraft(node: node, limit: limit, name: name, models: nil)
  }

  private func key(_ node: Node, of tenant: String, maxSubjects: Int) -> KeyDraft? {
    let known = ["id", "sha256", "subject", "expires", "disabled", "limits", "models"]
    guard let fields = fields(node, known: known) else { return nil }
    var draft = KeyDraft(node: node)
    if let idNode = fields["id"] {
      draft.id = name(idNode).map { PlacedText(text: $0, node: idNode) }
    } else {
      missing(node, "id", "a name for the key, which may be shown")
    }
    if let digestNode = fields["sha256"] {
      draft.digestNode = digestNode
      draft.digest = digest(digestNode)
    } else {
      missing(node, "sha256", "the SHA-256 of the whole key in hex")
    }
    draft.subject = fields["subject"].flatMap { node in
      text(node, max: bounds.textBytesMax, "textBytesMax")
    }
    draft.disabled = flag(fields["disabled"], default: false)
    if let expires = fields["expires"] {
      draft.expiresSeconds = expiry(expires)
      warnOfExpiry(of: draft, of: tenant, at: expires)
    }
    draft.limits = limits(fields["limits"], owner: .key, maxSubjects: maxSubjects)
    draft.models = fields["models"].map(patterns)
    return draft
  }

  /// A key's `sha256`. Messages never repeat the value, because it may be the key itself by mistake.
  private func digest(_ node: Node) -> SHA256Digest? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "text in quotes")
      return nil
    }
    guard let digest = SHA256Digest(hex: text) else {
      log.error(
        node, "must be 64 hex digits: the SHA-256 of the whole key, never the key itself")
      return nil
    }
    guard digest != Self.emptyDigest else {
      log.error(node, "is the SHA-256 of nothing: the key was empty when it was hashed")
      return nil
    }
    return digest
  }

  private func expiry(_ node: Node) -> Int64? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "a time such as \"2027-01-01T00:00:00Z\"")
      return nil
    }
    guard let moment = UTCTime.moment(text, from: UTCTime.millisecondsMin) else {
      log.error(node, "must be an RFC 3339 time such as \"2027-01-01T00:00:00Z\"")
      return nil
    }
    return UTCTime.seconds(moment)
  }

  /// Warns of a key that has expired, or that expires soon and needs a successor.
  private func warnOfExpiry(of key: KeyDraft, of tenant: String, at node: Node) {
    guard let seconds = key.expiresSeconds else { return }
    if seconds <= nowSeconds {
      log.warning(node, "this key has expired; remove it or renew it")
    } else if seconds - nowSeconds <= Self.expirySoonSeconds, !key.disabled,
      case .string(let date) = node.value.kind
    {
      log.warning(
        node,
        "the key `\(key.id?.text ?? "")` of the tenant `\(tenant)` expires at \(date), within 30 days; "
          + "add a new key and give it to the caller before then")
    }
  }

  /// How long before a key expires there is a warning: 30 days.
  static let expirySoonSeconds: Int64 = 30 * 86_400

  /// The entries of an `allow`, and whether there are any, valid or not.
  func allowEntries(_ node: Node?) -> (entries: [AllowDraft], hasAny: Bool) {
    let nodes = list(node, max: bounds.allowMax, "allowMax")
    return (nodes.compactMap(allowEntry), !nodes.isEmpty)
  }

  private func allowEntry(_ node: Node) -> AllowDraft? {
    guard let fields = fields(node, known: ["paths", "models", "route"]) else { return nil }
    var draft = AllowDraft(node: node)
    if let paths = fields["paths"] {
      draft.paths = self.paths(paths)
    } else {
      missing(node, "paths", "`paths: [\"/v1/chat/completions\"]`")
    }
    draft.models = fields["models"].map(patterns)
    if let route = fields["route"] {
      draft.hasRoute = true
      draft.route = name(route).map { PlacedText(text: $0, node: route) }
      if let models = fields["models"] {
        log.error(
          models, "has no place beside `route`: that path's body is not looked at; remove one")
      }
    } else if draft.models == nil {
      missing(node, "models", "`models: [\"*\"]` for all of them")
    }
    return draft
  }
}
