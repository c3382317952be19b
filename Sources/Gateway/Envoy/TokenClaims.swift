import Bytes
import EnvoyAPI
import Policy

/// What the claims of a JWT that Envoy verified say of the caller, by the policy's rules.
enum TokenClaims {
  /// Envoy hands over no claims.
  case none
  /// There are claims, but not those that name a caller.
  case unfit(ClaimFault)
  case verified(tenant: Tenant, subject: Range<Int>)
}

/// Which claim of which issuer does not say who calls. Has no value of a claim.
struct ClaimFault: Equatable {
  enum Kind: Equatable {
    /// The payload is of another issuer than those that the policy has for its metadata key.
    case foreign
    /// No claim, or none with a text in it.
    case noTenantClaim, noSubjectClaim
    /// Texts that lead to no tenant of the policy.
    case unknownTenant
    /// A list that leads to more than one.
    case severalTenants, severalSubjects
  }

  let kind: Kind
  /// The issuer's place in the policy's `auth.jwt`.
  let issuer: Int

  /// For the log: the policy's words alone, so the same fault is the same line.
  func message(_ policy: PolicySnapshot) -> String {
    let entry = policy.jwt[issuer]
    let what =
      switch kind {
      case .foreign:
        "Envoy verified it for another issuer than those with the metadata_key \(entry.metadataKey)"
      case .noTenantClaim: "its claim \(entry.tenantClaim) is missing or is no text"
      case .noSubjectClaim: "its claim \(entry.subjectClaim) is missing or is no text"
      case .unknownTenant: "its claim \(entry.tenantClaim) leads to no tenant of the policy"
      case .severalTenants: "its claim \(entry.tenantClaim) leads to more than one tenant"
      case .severalSubjects: "its claim \(entry.subjectClaim) has more than one value"
      }
    return kind == .foreign
      ? "a JWT does not say who calls: \(what)"
      : "a JWT of the issuer \(entry.issuer) does not say who calls: \(what)"
  }
}

extension TokenClaims {
  private static let issuerClaim: StaticString = "iss"

  /// Reads the payloads that jwt_authn verified: a Struct of payloads by metadata key. The first issuer
  /// of the policy that one of them is of decides.
  static func read(
    in bytes: Span<UInt8>, _ payloads: Range<Int>, _ policy: CompiledPolicy
  ) throws(WireError) -> TokenClaims {
    var claims = TokenClaims.none
    for (index, issuer) in policy.issuers.enumerated() {
      guard
        case .structure(let payload)? = try StructFields.value(
          of: issuer.metadataKey, in: bytes, payloads)
      else { continue }
      guard
        let name = try StructFields.string(Self.issuerClaim, in: bytes, payload),
        bytes.extracting(name).elementsEqual(issuer.issuer)
      else {
        // Another issuer may share the metadata key; if none does, the payload is unfit.
        if case .none = claims { claims = .unfit(ClaimFault(kind: .foreign, issuer: index)) }
        continue
      }
      return try read(in: bytes, payload, of: index, policy)
    }
    return claims
  }

  private static func read(
    in bytes: Span<UInt8>, _ payload: Range<Int>, of index: Int, _ policy: CompiledPolicy
  ) throws(WireError) -> TokenClaims {
    let issuer = policy.issuers[index]
    func unfit(_ kind: ClaimFault.Kind) -> TokenClaims {
      .unfit(ClaimFault(kind: kind, issuer: index))
    }
    var tenant: Tenant?
    var hasTexts = false
    var leadsToSeveral = false
    try forEachText(of: issuer.tenantClaim, in: bytes, payload) { text in
      hasTexts = true
      guard let found = policy.snapshot.tenant(claimed: bytes.extracting(text), issuer: index)
      else { return }
      if let tenant, tenant !== found { leadsToSeveral = true }
      tenant = found
    }
    if leadsToSeveral { return unfit(.severalTenants) }
    guard let tenant else { return unfit(hasTexts ? .unknownTenant : .noTenantClaim) }

    var subject: Range<Int>?
    var hasSeveral = false
    try forEachText(of: issuer.subjectClaim, in: bytes, payload) { text in
      if let subject, !bytes.extracting(subject).elementsEqual(bytes.extracting(text)) {
        hasSeveral = true
      }
      subject = text
    }
    if hasSeveral { return unfit(.severalSubjects) }
    guard let subject else { return unfit(.noSubjectClaim) }
    return .verified(tenant: tenant, subject: subject)
  }

  /// Visits the texts of the claim that `keys` lead to: its own, or those of the list that it is.
  /// Empty ones say nothing.
  private static func forEachText(
    of keys: [[UInt8]], in bytes: Span<UInt8>, _ payload: Range<Int>, _ visit: (Range<Int>) -> Void
  ) throws(WireError) {
    var value = StructValue.structure(payload)
    for key in keys {
      guard case .structure(let inner) = value,
        let next = try StructFields.value(of: key, in: bytes, inner)
      else { return }
      value = next
    }
    switch value {
    case .string(let text): if !text.isEmpty { visit(text) }
    case .list(let list):
      var elements = WireReader(list)
      while let element = try elements.next(in: bytes) {
        guard element.number == 1,
          case .string(let text) = try StructValue(in: bytes, try element.content()),
          !text.isEmpty
        else { continue }
        visit(text)
      }
    case .null, .number, .bool, .structure: break
    }
  }
}

/// A policy's JWT issuer as bytes.
struct JWTIssuerKeys: Sendable {
  let issuer: [UInt8]
  let metadataKey: [UInt8]
  let tenantClaim: [[UInt8]]
  let subjectClaim: [[UInt8]]

  init(_ issuer: JWTIssuer) {
    self.issuer = Array(issuer.issuer.utf8)
    metadataKey = Array(issuer.metadataKey.utf8)
    tenantClaim = issuer.tenantClaim.keys.map { Array($0.utf8) }
    subjectClaim = issuer.subjectClaim.keys.map { Array($0.utf8) }
  }
}
