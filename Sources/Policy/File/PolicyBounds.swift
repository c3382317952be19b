/// The limits on a policy's size. Each is checked before memory of that size is used, and the message
/// that reports it names the limit.
struct PolicyBounds: Sendable {
  static let standard = PolicyBounds()

  /// Files in one policy.
  var sourcesMax = 1_000
  /// Bytes of one file.
  var sourceBytesMax = 16 * 1_024 * 1_024
  /// Bytes of all files together.
  var totalBytesMax = 64 * 1_024 * 1_024
  /// Nested objects and lists.
  var depthMax = 32
  /// Characters of one number: digits, sign, point, exponent.
  var numberBytesMax = 64
  /// Problems reported in one run.
  var problemsMax = 200
  /// Syntax errors reported in one file; the rest of the file is not read.
  var syntaxFaultsMax = 20

  /// Names of tenants, classes, routes, limits, keys.
  var nameBytesMax = 128
  var modelNameBytesMax = 256
  /// Other text: subjects, issuers, claims, header names, time zones.
  var textBytesMax = 512
  var pathBytesMax = 1_024
  /// The longest SPIFFE ID (SPIFFE-ID, 2.3).
  var principalBytesMax = 2_048

  var classesMax = 64
  var modelsMax = 4_096
  var aliasesMax = 64
  var routesMax = 64
  /// Entries of `allow_fields` or `bound_fields`.
  var fieldsMax = 16
  var weightMax = 1_000_000
  var tenantsMax = 20_000
  var plansMax = 1_000
  var groupsMax = 4_096
  var keysMax = 1_000
  var hostnamesMax = 256
  var principalsMax = 256
  var allowMax = 256
  var pathsMax = 64
  var patternsMax = 256
  var limitsMax = 64
  /// Entries of a limit's `raises` or `warn_at`.
  var raisesMax = 32
  var warningsMax = 16
  var pathAliasesMax = 256
  var customPathsMax = 4_096
  /// Entries of `api_key_headers`: the gateway has room for eight credentials of a request.
  var headersMax = 8
  var jwtMax = 16
  /// Keys that lead to one claim.
  var claimKeysMax = 8
  /// Entries of one issuer's `tenants`.
  var claimTenantsMax = 20_000

  /// `max_body_bytes`: with Envoy's message around it, a body must still fit into the 64 MiB that the
  /// server accepts.
  var bodyBytes = 1_024...(60 * 1_024 * 1_024)
  /// `max_headers_count`: Tollgate's own and those of any request must fit.
  var headersCount = 32...10_000
  /// `max_headers_kb`: what Envoy takes as `max_request_headers_kb`.
  var headersKiB = 1...8_192
  var outputTokens = 1...2_147_483_647
  var concurrent = 1...1_000_000
  /// The amount of a limit on requests or tokens.
  var amountMax: Int64 = 1_000_000_000_000
  /// The dollars of one limit. As nano-dollars they must fit an Int64.
  var usdMax: Int64 = 1_000_000_000
  /// The dollars of one price: of a million tokens, or of a request.
  var priceUSDMax: Int64 = 1_000_000
  var subjects = 1...10_000_000
}
