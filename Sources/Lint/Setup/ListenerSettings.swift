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
}
