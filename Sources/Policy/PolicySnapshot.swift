import Bytes
import Terms

/// Where a JWT issuer's verified claims are found in Envoy's metadata.
package struct JWTIssuer: Sendable, Equatable {
  package let issuer: String
  package let metadataKey: String
  package let tenantClaim: String
  package let subjectClaim: String
}

/// Which filter admits requests.
package enum EnforcementPoint: Sendable { case extProc, extAuthz }

/// The settings of a policy that are not about one tenant or model.
struct PolicySettings: Sendable {
  var timeZone = "UTC"
  var maxBodyBytes = 32 * 1_024 * 1_024
  var enforceAt = EnforcementPoint.extProc
  var maxSubjects = 100_000
  var logLevel: LogLevel?
  var apiKeyHeaders = ["authorization", "x-api-key", "api-key"]
  var jwt: [JWTIssuer] = []
  var clientCertificates = false
}

/// A validated policy, compiled for look-ups; immutable, shared by every loop.
package final class PolicySnapshot: Sendable {
  /// The first 12 hex digits of SHA-256 over the sources.
  package let revision: String
  package let timeZone: String
  package let maxBodyBytes: Int
  package let enforceAt: EnforcementPoint
  /// nil where the process's own counts.
  package let logLevel: LogLevel?
  /// Lowercased.
  package let apiKeyHeaders: [String]
  package let jwt: [JWTIssuer]
  package let clientCertificates: Bool
  package let classes: [TrafficClass]
  package let tenants: [Tenant]
  package let models: [Model]
  /// The limits that apply to everybody together.
  package let limits: [Limit]
  package let customPaths: [String]
  /// Tells two policies' `shared_hostnames` apart; nil where there are none.
  let sharedHostnames: [String]?
  /// Tells two policies' `path_aliases` apart.
  let pathAliases: [String: Endpoint]

  private let lookup: PolicyLookup

  init(
    revision: String, settings: PolicySettings, classes: [TrafficClass], models: [Model],
    tenants: [Tenant], limits: [Limit], customPaths: [String], sharedHostnames: [String]?,
    pathAliases: [String: Endpoint], lookup: PolicyLookup
  ) {
    self.revision = revision
    timeZone = settings.timeZone
    maxBodyBytes = settings.maxBodyBytes
    enforceAt = settings.enforceAt
    logLevel = settings.logLevel
    apiKeyHeaders = settings.apiKeyHeaders
    jwt = settings.jwt
    clientCertificates = settings.clientCertificates
    self.classes = classes
    self.models = models
    self.tenants = tenants
    self.limits = limits
    self.customPaths = customPaths
    self.sharedHostnames = sharedHostnames
    self.pathAliases = pathAliases
    self.lookup = lookup
  }

  /// The key with this digest, expired and disabled ones too.
  package func key(_ digest: SHA256Digest) -> KeyReference? { lookup.keys[digest] }

  package func tenant(named name: Span<UInt8>) -> Tenant? {
    lookup.tenants[name].map { tenants[$0] }
  }

  /// The model with this canonical name or alias.
  package func model(named name: Span<UInt8>) -> Model? {
    lookup.models[name].map { models[$0] }
  }

  /// Whether `shared_hostnames` is given: then every host that is somebody's is a name of the policy.
  package var namesSharedHosts: Bool { lookup.hosts.others == .nobody }

  /// Case, port and one trailing dot do not matter; a malformed host is nobody's even where any host
  /// is shared.
  package func owner(ofHost host: Span<UInt8>) -> HostOwner { lookup.hosts.owner(of: host) }

  /// The tenant whose `principals` match (`*` stops at `/`; elsewhere exact); nil for none or more
  /// than one.
  package func tenant(ofPrincipal uri: Span<UInt8>) -> Tenant? {
    lookup.principals.tenant(of: uri).map { tenants[$0] }
  }

  /// `path` is the request's `:path`; the query is removed here.
  package func match(path: Span<UInt8>) -> PathMatch { lookup.paths.match(path) }

  /// How much of everything there is, for a line of `tollgate check`.
  package var summary: PolicySummary {
    PolicySummary(
      tenants: tenants.count, models: models.count,
      keys: tenants.reduce(0) { $0 + $1.keys.count },
      limits: limits.count
        + tenants.reduce(0) { sum, tenant in
          sum + tenant.limits.count + tenant.keys.reduce(0) { $0 + $1.limits.count }
        })
  }
}

/// What a policy's requests are looked up in.
struct PolicyLookup: Sendable {
  var keys: [SHA256Digest: KeyReference] = [:]
  var tenants = ByteTable()
  var models = ByteTable()
  var hosts: HostTable
  var principals = PrincipalTable()
  var paths: PathTable
}
