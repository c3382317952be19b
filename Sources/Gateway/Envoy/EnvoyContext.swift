import Bytes
import EnvoyAPI
import Policy

/// What Envoy says of a request beside its headers: metadata of other filters and attributes. Ranges are
/// in the message's bytes.
struct EnvoyContext {
  /// What our own ext_authz put in metadata.
  struct HandedOver {
    var tenant: Range<Int>
    var subject: Range<Int>
    var keyID: Range<Int>?
    var requestID: Range<Int>?
    /// Where ext_authz decided everything (`enforce_at: "ext_authz"`): the model route.
    var modelRoute: Range<Int>?
  }

  var claims = TokenClaims.none
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

  /// Reads `metadata_context`: the claims jwt_authn verified and the identity ext_authz found.
  mutating func readMetadata(
    in bytes: Span<UInt8>, _ metadata: Range<Int>, _ policy: CompiledPolicy
  ) throws(WireError) {
    if !policy.issuers.isEmpty,
      let payloads = try EnvoyAPI.Metadata.structure(
        of: Self.jwtNamespace, in: bytes, metadata)
    {
      claims = try TokenClaims.read(in: bytes, payloads, policy)
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
