/// The settings of a listener.
struct ListenerSettings: Sendable {
  let field: Field
  /// How many bytes Envoy buffers; nil for the default.
  let bufferBytes: Int64?
  let bufferField: Field
  let defaultBufferBytes: Int64
  /// The name of the setting, for messages: `ClientTrafficPolicy spec.connection.bufferLimit`.
  let bufferSetting: String
  /// The request headers that are removed before the route is chosen.
  let earlyRemovals: [NameMatcher]
  let earlyRemovalField: Field
  let earlyRemovalSetting: String
  /// What is wrong with its verification of client certificates.
  let certificateFaults: [CertificateFault]
}

/// A listener that accepts client certificates of unknown authorities, expired ones, or none.
struct CertificateFault: Sendable {
  let severity: Finding.Severity
  let field: Field
  let message: String
  let remedy: String
  /// Whether it is only that callers without a certificate are let in.
  var isOptional = false

  /// - Parameters:
  ///   - untrusted: the setting by which any authority is accepted.
  ///   - unnamed: where the authority is not named.
  ///   - optional: where certificates are not required.
  ///   - expired: the setting by which expired ones are accepted.
  ///   - remedies: for the first three.
  static func all(
    untrusted: Field?, unnamed: Field?, optional: Field?, expired: Field,
    remedies: (String, String, String)
  ) -> [CertificateFault] {
    func fault(
      _ field: Field?, _ message: String, _ remedy: String, isOptional: Bool = false
    ) -> CertificateFault? {
      field.map {
        CertificateFault(
          severity: isOptional ? .warning : .error, field: $0, message: message, remedy: remedy,
          isOptional: isOptional)
      }
    }
    return [
      fault(
        untrusted,
        "certificates of any authority are accepted, although the policy trusts them as identity",
        remedies.0),
      fault(
        untrusted == nil ? unnamed : nil,
        "it does not say which authority must have signed client certificates", remedies.1),
      fault(
        optional,
        "callers without a certificate are let in, although the policy has no other credentials",
        remedies.2, isOptional: true),
      fault(
        expired.bool == true ? expired : nil, "expired certificates are accepted as identity",
        "remove this setting"),
    ].compactMap { $0 }
  }
}
