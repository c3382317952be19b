import Bytes
import Policy
import Terms

/// Credentials of one request that name no single caller. The client reads the same words as for an
/// unknown one; the log says what they were, and never a value.
struct CredentialConflict: Equatable {
  enum Kind: String {
    /// Several that do not name the same caller, or one that names nobody beside another.
    case disagree
    /// One header, given again.
    case repeated
    /// Several in one header's value, as a proxy joins repeated headers.
    case joined
  }

  /// How many parts of a joined value are looked up.
  static let joinedPartsMax = 4

  let kind: Kind
  /// The headers at fault, or that disagree; `jwt` and `certificate` for what Envoy verified.
  let headers: [String]
  /// The tenants that they name.
  let tenants: [String]

  /// For the log, where the same text is said once in a while.
  var text: String {
    let names = headers.joined(separator: ", ")
    let what =
      switch kind {
      case .disagree: "credentials disagree (\(names))"
      case .repeated: "a credential header is given more than once (\(names))"
      case .joined: "a credential header holds several values, joined by commas (\(names))"
      }
    let whose = tenants.isEmpty ? "" : " of tenant \(tenants.joined(separator: ", "))"
    return "a request\(whose) was refused: \(what)"
  }
}

extension Identification {
  /// What a refused request's credentials had to do with each other; nil where there was but one.
  func conflict(
    _ head: RequestHead, _ context: EnvoyContext, in bytes: Span<UInt8>
  ) -> CredentialConflict? {
    var present: [String] = []
    var repeated: [String] = []
    var joined: [String] = []
    var tenants: Set<String> = []
    for index in policy.names.credentials.indices
    where head.credentialsPresent & 1 << UInt8(index) != 0 {
      let name = String(decoding: policy.names.credentials[index], as: UTF8.self)
      let parts = parts(of: head.credentials[index], in: bytes)
      present.append(name)
      if head.credentialsRepeated & 1 << UInt8(index) != 0 { repeated.append(name) }
      if parts.count > 1 { joined.append(name) }
      for part in parts {
        guard
          let value = credential(part, hasScheme: policy.names.hasScheme[index], in: bytes),
          let identity = identity(ofKey: bytes.extracting(value))
        else { continue }
        tenants.insert(identity.tenant.name.string)
      }
    }
    if case .verified(let tenant, let subject) = context.claims {
      present.append("jwt")
      if let identity = claimed(tenant, subject: subject, in: bytes) {
        tenants.insert(identity.tenant.name.string)
      }
    }
    if policy.snapshot.clientCertificates, !context.principal.isEmpty,
      let identity = certified(context.principal, in: bytes)
    {
      let name = identity.tenant.name.string
      // A workload's certificate beside an unknown key is no conflict.
      if !tenants.isEmpty, !tenants.contains(name) { present.append("certificate") }
      tenants.insert(name)
    }
    let known = tenants.sorted()
    if !repeated.isEmpty { return .init(kind: .repeated, headers: repeated, tenants: known) }
    if !joined.isEmpty { return .init(kind: .joined, headers: joined, tenants: known) }
    return present.count > 1 ? .init(kind: .disagree, headers: present, tenants: known) : nil
  }

  /// The first parts of a value that commas divide.
  private func parts(of range: Range<Int>, in bytes: Span<UInt8>) -> [Range<Int>] {
    guard range.count <= Self.credentialBytesMax else { return [range] }
    var parts: [Range<Int>] = []
    var start = range.lowerBound
    for index in range where bytes[index] == UInt8(ascii: ",") {
      parts.append(start..<index)
      if parts.count == CredentialConflict.joinedPartsMax { return parts }
      start = index + 1
      while start < range.upperBound, bytes[start] == 0x20 { start += 1 }
    }
    // Behind blanks that follow the last comma there may be nothing.
    return parts + [min(start, range.upperBound)..<range.upperBound]
  }
}
