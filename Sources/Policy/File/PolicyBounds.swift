/// The sizes a policy may have. Each is checked before anything of that size is kept, and the
/// refusal names it.
struct PolicyBounds: Sendable {
  static let standard = PolicyBounds()

  /// Files in one policy.
  var sourcesMax = 1_000
  /// Bytes in one file, and in all of them.
  var sourceBytesMax = 16 * 1_024 * 1_024
  var totalBytesMax = 64 * 1_024 * 1_024
  /// Nested objects and lists.
  var depthMax = 32
  /// Digits (and sign, point, exponent) of one number.
  var numberBytesMax = 64
  /// Problems printed in one run, and faults of syntax in one file.
  var problemsMax = 200
  var syntaxFaultsMax = 20

  /// Names of tenants, classes, routes, limits, keys.
  var nameBytesMax = 128
  var modelNameBytesMax = 256
  /// Other text: subjects, issuers, claims, header names, time zones.
  var textBytesMax = 512
  var pathBytesMax = 1_024
  /// SPIFFE bounds an id at 2,048 bytes.
  var principalBytesMax = 2_048

  var classesMax = 64
  var modelsMax = 4_096
  var aliasesMax = 64
  var routesMax = 64
  var weightMax = 1_000_000
  var tenantsMax = 20_000
  var keysMax = 1_000
  var hostnamesMax = 256
  var principalsMax = 256
  var allowMax = 256
  var pathsMax = 64
  var patternsMax = 256
  var limitsMax = 64
  var pathAliasesMax = 256
  var customPathsMax = 4_096
  /// Credential headers: the gateway keeps a place for each of eight.
  var headersMax = 8
  var jwtMax = 16

  /// Bodies: Envoy's message around one must still fit in the server's 64 MiB.
  var bodyBytes = 1_024...(60 * 1_024 * 1_024)
  var outputTokens = 1...2_147_483_647
  var concurrent = 1...1_000_000
  /// Requests or tokens of one limit.
  var amountMax: Int64 = 1_000_000_000_000
  /// Dollars of one limit, of a million tokens, of one request: nano-dollars fit an Int64.
  var usdMax: Int64 = 1_000_000_000
  var priceUSDMax: Int64 = 1_000_000
  var subjects = 1...10_000_000
}
