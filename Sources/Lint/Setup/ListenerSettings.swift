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
    [
      untrusted.map {
        CertificateFault(
          severity: .error, field: $0,
          message:
            "certificates of any authority are accepted, although the policy trusts them as identity",
          remedy: remedies.0)
      },
      untrusted == nil
        ? unnamed.map {
          CertificateFault(
            severity: .error, field: $0,
            message: "it does not say which authority must have signed client certificates",
            remedy: remedies.1)
        } : nil,
      optional.map {
        CertificateFault(
          severity: .warning, field: $0,
          message:
            "callers without a certificate are let in, although the policy has no other credentials",
          remedy: remedies.2, isOptional: true)
      },
      expired.bool == true
        ? CertificateFault(
          severity: .error, field: expired,
          message: "expired certificates are accepted as identity",
          remedy: "remove this setting") : nil,
    ].compactMap { $0 }
  }
}
