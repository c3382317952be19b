import Bytes
import EnvoyAPI
import Policy

/// What Envoy says of a request beside its headers: metadata of other filters and attributes. Ranges are
/// in the message's bytes.
struct EnvoyContext {
  /// The claims of a verified JWT: which of the policy's issuers, and the two claims' texts. A
  /// payload that a configured issuer's key holds but that does not fit it is `.unfit`.
  enum Claims {
    case none
    case unfit
    case verified(tenant: Range<Int>, subject: Range<Int>)
  }

  /// What our own ext_authz put in metadata.
  struct HandedOver {
    var tenant: Range<Int>
    var subject: Range<Int>
    var keyID: Range<Int>?
    var requestID: Range<Int>?
    /// Where ext_authz decided everything (`enforce_at: "ext_authz"`): the model route.
    var modelRoute: Range<Int>?
  }

  var claims = Claims.none
  /// The URI that Envoy verified in the peer's certificate.
  var principal = 0..<0
  /// For records: where the request came from, and Envoy's own id for it.
  private(set) var source = 0..<0
  private(set) var envoyRequestID = 0..<0
  var handedOver: HandedOver?

  init() {}

  static let jwtNamespace: StaticString = "envoy.filters.http.jwt_authn"
  static let extAuthzNamespace: StaticString = "envoy.filters.http.ext_authz"
  static let ownKey: StaticString = "tollgate"
  private static let issuerClaim: StaticString = "iss"

  /// Reads `metadata_context`: the claims jwt_authn verified and the identity ext_authz found.
  mutating func readMetadata(
    in bytes: Span<UInt8>, _ metadata: Range<Int>, issuers: [JWTIssuerKeys]
  ) throws(WireError) {
    if !issuers.isEmpty,
      let payloads = try EnvoyAPI.Metadata.structure(
        of: Self.jwtNamespace, in: bytes, metadata)
    {
      try readClaims(in: bytes, payloads, issuers: issuers)
    }
    guard
      let extAuthz = try EnvoyAPI.Metadata.structure(
        of: Self.extAuthzNamespace, in: bytes, metadata),
      case .structure(let own)? = try StructFields.value(
        of: Self.ownKey, in: bytes, extAuthz)
    else { return }
    try readHandedOver(in: bytes, own)
  }

  /// Reads the attributes of the request phase, in one walk; a name given twice takes the last.
  mutating func readAttributes(
    in bytes: Span<UInt8>, _ attributes: Range<Int>, certificates: Bool
  ) throws(WireError) {
    func text(_ value: Range<Int>) throws(WireError) -> Range<Int> {
      guard case .string(let range) = try StructValue(in: bytes, value) else { return 0..<0 }
      return range
    }
    try StructFields.forEachEntry(ofMap: 1, in: bytes, attributes) {
      (key, value) throws(WireError) in
      let name = bytes.extracting(key)
      if name.elementsEqual(EnvoyAttribute.sourceAddress) {
        source = try text(value)
      } else if name.elementsEqual(EnvoyAttribute.requestID) {
        envoyRequestID = try text(value)
      } else if certificates, name.elementsEqual(EnvoyAttribute.principal) {
        principal = try text(value)
      }
    }
  }

  /// ext_authz has a field for it.
  mutating func setEnvoyRequestID(_ range: Range<Int>) { envoyRequestID = range }

  mutating func setPrincipal(_ range: Range<Int>) { principal = range }

  private mutating func readClaims(
    in bytes: Span<UInt8>, _ payloads: Range<Int>, issuers: [JWTIssuerKeys]
  ) throws(WireError) {
    for issuer in issuers {
      guard
        case .structure(let payload)? = try StructFields.value(
          of: issuer.metadataKey, in: bytes, payloads)
      else { continue }
      guard
        let name = try StructFields.string(Self.issuerClaim, in: bytes, payload),
        bytes.extracting(name).elementsEqual(issuer.issuer)
      else {
        // Another issuer may share the metadata key; if none does, the payload is unfit.
        if case .none = claims { claims = .unfit }
        continue
      }
      guard
        let tenant = try StructFields.string(issuer.tenantClaim, in: bytes, payload),
        let subject = try StructFields.string(issuer.subjectClaim, in: bytes, payload),
        !tenant.isEmpty, !subject.isEmpty
      else {
        claims = .unfit
        return
      }
      claims = .verified(tenant: tenant, subject: subject)
      return
    }
  }

  private mutating func readHandedOver(
    in bytes: Span<UInt8>, _ own: Range<Int>
  ) throws(WireError) {
    guard
      let tenant = try StructFields.string(MetadataKey.tenant, in: bytes, own),
      let subject = try StructFields.string(MetadataKey.subject, in: bytes, own)
    else { return }
    handedOver = HandedOver(
      tenant: tenant, subject: subject,
      keyID: try StructFields.string(MetadataKey.keyID, in: bytes, own),
      requestID: try StructFields.string(MetadataKey.requestID, in: bytes, own),
      modelRoute: try StructFields.string(MetadataKey.modelRoute, in: bytes, own))
  }
}

/// A policy's JWT issuer as bytes.
struct JWTIssuerKeys: Sendable {
  let issuer: [UInt8]
  let metadataKey: [UInt8]
  let tenantClaim: [UInt8]
  let subjectClaim: [UInt8]

  init(_ issuer: JWTIssuer) {
    self.issuer = Array(issuer.issuer.utf8)
    metadataKey = Array(issuer.metadataKey.utf8)
    tenantClaim = Array(issuer.tenantClaim.utf8)
    subjectClaim = Array(issuer.subjectClaim.utf8)
  }
}
