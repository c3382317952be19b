import Bytes
import Policy
import Terms

/// Finds out who is calling: by an API key, a verified JWT, a client certificate, or what ext_authz
/// found. Where a request shows several, they must agree. Every fault gives the same refusal, so that
/// a caller cannot learn which part was wrong.
struct Identification {
  /// The longest credential that is looked at.
  static let credentialBytesMax = 1024
  /// The longest subject that is taken from a claim or a certificate.
  static let subjectBytesMax = 256

  let policy: CompiledPolicy
  let nowSeconds: Int64
  /// Whether a JWT's claims must be there now; ext_authz may run before the filter that verifies
  /// it and leaves such a caller to ext_proc.
  let insistsOnClaims: Bool

  enum Outcome {
    case known(Identity)
    /// A bearer JWT whose claims are not there yet.
    case deferred
    case refused
  }

  func identify(_ head: RequestHead, _ context: EnvoyContext, in bytes: Span<UInt8>) -> Outcome {
    var found: Identity?
    var hasUnverifiedToken = false
    switch credentials(of: head, in: bytes) {
    case .refused: return .refused
    case .none: break
    case .token: hasUnverifiedToken = true
    case .key(let identity): found = identity
    }
    switch context.claims {
    case .none: break
    case .unfit: return .refused
    case .verified(let tenant, let subject):
      hasUnverifiedToken = false
      guard let identity = claimed(tenant, subject: subject, in: bytes),
        Self.merge(&found, identity, sameCaller: true)
      else { return .refused }
    }
    if let handedOver = context.handedOver {
      guard let identity = handed(handedOver, in: bytes),
        Self.merge(&found, identity, sameCaller: true)
      else { return .refused }
    }
    if hasUnverifiedToken {
      return insistsOnClaims || policy.issuers.isEmpty || found != nil ? .refused : .deferred
    }
    if policy.snapshot.clientCertificates, !context.principal.isEmpty,
      let identity = certified(context.principal, in: bytes)
    {
      guard Self.merge(&found, identity) else { return .refused }
    }
    guard let found else { return .refused }
    return .known(found)
  }

  /// Keeps the first identity; false where what is shown beside it disagrees. Credentials that each
  /// name a caller must name the same one; a certificate names the workload that may show a caller's
  /// key, and needs only be of its tenant.
  private static func merge(
    _ found: inout Identity?, _ next: Identity, sameCaller: Bool = false
  ) -> Bool {
    guard let first = found else {
      found = next
      return true
    }
    return first.tenant === next.tenant && (!sameCaller || first.subject == next.subject)
  }

  private enum CredentialOutcome {
    case none
    case refused
    case token
    case key(Identity)
  }

  private func credentials(of head: RequestHead, in bytes: Span<UInt8>) -> CredentialOutcome {
    guard head.credentialsPresent != 0 else { return .none }
    guard head.credentialsRepeated == 0 else { return .refused }
    var result = CredentialOutcome.none
    for index in policy.names.credentials.indices
    where head.credentialsPresent & 1 << UInt8(index) != 0 {
      guard
        let value = credential(
          head.credentials[index], hasScheme: policy.names.hasScheme[index], in: bytes)
      else { return .refused }
      let token = bytes.extracting(value)
      if Self.looksLikeJWT(token) {
        guard case .none = result else { return .refused }
        result = .token
        continue
      }
      guard let identity = identity(ofKey: token) else { return .refused }
      switch result {
      case .none: result = .key(identity)
      case .key(let first)
      where first.tenant === identity.tenant && first.keyIndex == identity.keyIndex:
        break
      case .key, .token, .refused: return .refused
      }
    }
    return result
  }

  /// The range of the key in a header's value; nil where the value is empty, too long or joined by
  /// commas, or has another scheme than Bearer (RFC 6750, section 2.1).
  func credential(
    _ range: Range<Int>, hasScheme: Bool, in bytes: Span<UInt8>
  ) -> Range<Int>? {
    guard !range.isEmpty, range.count <= Self.credentialBytesMax else { return nil }
    for index in range where bytes[index] == UInt8(ascii: ",") { return nil }
    guard hasScheme else { return range }
    let scheme: StaticString = "bearer "
    guard bytes.extracting(range).starts(withIgnoringCase: scheme) else { return nil }
    var start = range.lowerBound + scheme.utf8CodeUnitCount
    while start < range.upperBound, bytes[start] == 0x20 { start += 1 }
    return start < range.upperBound ? start..<range.upperBound : nil
  }

  /// Three non-empty base64url parts: never tried as a key.
  static func looksLikeJWT(_ text: Span<UInt8>) -> Bool {
    var dots = 0
    var partIsEmpty = true
    for index in text.indices {
      switch text[index] {
      case UInt8(ascii: "."):
        guard !partIsEmpty else { return false }
        dots += 1
        partIsEmpty = true
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        partIsEmpty = false
      default: return false
      }
    }
    return dots == 2 && !partIsEmpty
  }

  func identity(ofKey text: Span<UInt8>) -> Identity? {
    guard let reference = policy.snapshot.key(SHA256.digest(of: text)) else { return nil }
    let tenant = policy.snapshot.tenants[reference.tenant]
    return usable(tenant, keyIndex: reference.key)
  }

  private func usable(_ tenant: Tenant, keyIndex: Int) -> Identity? {
    let key = tenant.keys[keyIndex]
    if key.disabled || policy.isRevoked(tenant, keyIndex: keyIndex) { return nil }
    if let expires = key.expiresSeconds, expires <= nowSeconds { return nil }
    return Identity(tenant: tenant, subject: key.subject.bytes, keyIndex: keyIndex)
  }

  func claimed(
    _ tenant: Tenant, subject: Range<Int>, in bytes: Span<UInt8>
  ) -> Identity? {
    guard let subject = Self.subject(bytes.extracting(subject)) else { return nil }
    return Identity(tenant: tenant, subject: subject, keyIndex: nil)
  }

  /// What ext_authz found is looked up again: the policy may have been reloaded in between.
  private func handed(_ handed: EnvoyContext.HandedOver, in bytes: Span<UInt8>) -> Identity? {
    guard let tenant = policy.snapshot.tenant(named: bytes.extracting(handed.tenant)) else {
      return nil
    }
    guard let keyID = handed.keyID else {
      guard let subject = Self.subject(bytes.extracting(handed.subject)) else { return nil }
      return Identity(tenant: tenant, subject: subject, keyIndex: nil)
    }
    let id = bytes.extracting(keyID)
    for index in tenant.keys.indices where id.elementsEqual(tenant.keys[index].id.bytes) {
      return usable(tenant, keyIndex: index)
    }
    return nil
  }

  func certified(_ principal: Range<Int>, in bytes: Span<UInt8>) -> Identity? {
    let uri = bytes.extracting(principal)
    guard let tenant = policy.snapshot.tenant(ofPrincipal: uri), let subject = Self.subject(uri)
    else { return nil }
    return Identity(tenant: tenant, subject: subject, keyIndex: nil)
  }

  /// A subject that may stand in a header and in a record: visible ASCII and spaces inside.
  private static func subject(_ text: Span<UInt8>) -> [UInt8]? {
    guard !text.isEmpty, text.count <= subjectBytesMax else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    for index in text.indices {
      let byte = text[index]
      guard byte > 0x20 && byte < 0x7f || byte == 0x20 && !result.isEmpty else { return nil }
      result.append(byte)
    }
    return result
  }
}
