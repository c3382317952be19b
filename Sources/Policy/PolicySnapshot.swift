import Bytes
import Terms

/// `enforce_at`: which of Envoy's filters asks for the admission of requests.
package enum EnforcementPoint: Sendable { case extProc, extAuthz }

/// Which answers a request may continue (`response_ids`): by `previous_response_id`, `conversation` and
/// `item_reference` of `/v1/responses`.
package enum ResponseIDRule: Sendable {
  /// Those that its tenant was given here.
  case strict
  /// All but those that only another tenant was given.
  case known
  /// All.
  case any
}

/// The settings of a whole policy, with their defaults.
struct PolicySettings: Sendable {
  var timeZone = "UTC"
  var maxBodyBytes = 32 * 1_024 * 1_024
  /// Envoy's own default.
  var maxHeadersCount = 100
  /// Envoy's own default.
  var maxHeadersKiB = 60
  var enforceAt = EnforcementPoint.extProc
  var responseIDs = ResponseIDRule.strict
  var maxSubjects = 100_000
  var logLevel: LogLevel?
  var apiKeyHeaders = ["authorization", "x-api-key", "api-key"]
  var jwt: [JWTIssuer] = []
  var clientCertificates = false
}

/// A validated policy, compiled for look-ups. Immutable, and shared by all loops.
package final class PolicySnapshot: Sendable {
  /// 12 hex digits that depend on the names and the bytes of all files.
  package let revision: String
  /// The IANA name of the time zone of calendar limits.
  package let timeZone: String
  /// The most bytes of a request's body.
  package let maxBodyBytes: Int
  /// The most header fields that Envoy takes in a request or an answer.
  package let maxHeadersCount: Int
  /// The most bytes of their names and values.
  package let maxHeadersBytes: Int
  package let enforceAt: EnforcementPoint
  /// Always `any` where ext_authz decides: it sees no answers, and so no ids.
  package let responseIDs: ResponseIDRule
  /// Nil where the level of the command line applies.
  package let logLevel: LogLevel?
  /// The names of the headers that may have an API key, in lower case.
  package let apiKeyHeaders: [String]
  package let jwt: [JWTIssuer]
  /// Whether the identity of a verified client certificate may name the caller (`principals`).
  package let clientCertificates: Bool
  package let classes: [TrafficClass]
  /// By `Tenant.index`.
  package let tenants: [Tenant]
  /// By `Model.index`.
  package let models: [Model]
  package let plans: [Plan]
  package let groups: [TenantGroup]
  /// The global limits, which count all tenants together.
  package let limits: [Limit]
  /// The paths that some tenant's `allow` lists with a `route`; not inspected.
  package let customPaths: [String]
  /// `shared_hostnames`, sorted, to compare two policies; nil where the policy has no such list.
  let sharedHostnames: [String]?
  /// `path_aliases`, to compare two policies.
  let pathAliases: [String: Endpoint]

  private let lookup: PolicyLookup

  init(
    revision: String, settings: PolicySettings, classes: [TrafficClass], models: [Model],
    plans: [Plan], groups: [TenantGroup], tenants: [Tenant], limits: [Limit],
    customPaths: [String], sharedHostnames: [String]?, pathAliases: [String: Endpoint],
    lookup: PolicyLookup
  ) {
    self.revision = revision
    timeZone = settings.timeZone
    maxBodyBytes = settings.maxBodyBytes
    maxHeadersCount = settings.maxHeadersCount
    maxHeadersBytes = settings.maxHeadersKiB * 1_024
    enforceAt = settings.enforceAt
    responseIDs = settings.enforceAt == .extAuthz ? .any : settings.responseIDs
    logLevel = settings.logLevel
    apiKeyHeaders = settings.apiKeyHeaders
    jwt = settings.jwt
    clientCertificates = settings.clientCertificates
    self.classes = classes
    self.models = models
    self.plans = plans
    self.groups = groups
    self.tenants = tenants
    self.limits = limits
    self.customPaths = customPaths
    self.sharedHostnames = sharedHostnames
    self.pathAliases = pathAliases
    self.lookup = lookup
  }

  /// The key with this digest; nil for none. Expired and disabled keys are found too.
  package func key(_ digest: SHA256Digest) -> KeyReference? { lookup.keys[digest] }

  /// The tenant with this name; nil for none.
  package func tenant(named name: Span<UInt8>) -> Tenant? {
    lookup.tenants[name].map { tenants[$0] }
  }

  /// The tenant that a value of a claim leads to, by the issuer's index in `jwt`; nil for none.
  package func tenant(claimed value: Span<UInt8>, issuer: Int) -> Tenant? {
    guard let byValue = lookup.claimTenants[issuer] else { return tenant(named: value) }
    return byValue[value].map { tenants[$0] }
  }

  /// The model with this canonical name or alias; nil for none.
  package func model(named name: Span<UInt8>) -> Model? {
    lookup.models[name].map { models[$0] }
  }

  /// Whether the policy has `shared_hostnames`: then every host that is not `.nobody`'s is named in it.
  package var namesSharedHosts: Bool { lookup.hosts.others == .nobody }

  /// To whom a host belongs, as a Host or `:authority` header gives it. Case, port and one trailing dot
  /// are ignored; a malformed host is nobody's, also where any host is shared.
  package func owner(ofHost host: Span<UInt8>) -> HostOwner { lookup.hosts.owner(of: host) }

  /// The tenant whose `principals` match the URI of a client certificate; nil where none or more than one
  /// does.
  package func tenant(ofPrincipal uri: Span<UInt8>) -> Tenant? {
    lookup.principals.tenant(of: uri).map { tenants[$0] }
  }

  /// What a request's `:path` means. Its query is ignored.
  package func match(path: Span<UInt8>) -> PathMatch { lookup.paths.match(path) }

  /// The keys whose digest is meant.
  package func keys(where isMeant: (SHA256Digest) -> Bool) -> Set<KeyReference> {
    Set(lookup.keys.filter { isMeant($0.key) }.values)
  }

  /// The digests of a tenant's key of that id: one, or none.
  package func keyDigests(tenant name: String, keyID: String) -> [SHA256Digest] {
    guard let tenant = tenants.first(where: { $0.name.string == name }) else { return [] }
    return tenant.keys.filter { $0.id.string == keyID }.map(\.digest)
  }

  /// The numbers of tenants, models, keys and limits, for a line of `tollgate check`.
  package var summary: PolicySummary {
    PolicySummary(
      tenants: tenants.count, models: models.count,
      keys: tenants.reduce(0) { $0 + $1.keys.count },
      limits: limits.count + groups.reduce(0) { $0 + $1.limits.count }
        + tenants.reduce(0) { sum, tenant in
          sum + tenant.limits.count + tenant.keys.reduce(0) { $0 + $1.limits.count }
        })
  }
}

/// The tables in which requests are looked up.
struct PolicyLookup: Sendable {
  var keys: [SHA256Digest: KeyReference] = [:]
  var tenants = ByteTable()
  /// By the index in `jwt`; nil where claim values are names of tenants.
  var claimTenants: [ClaimTenants?] = []
  var models = ByteTable()
  var hosts: HostTable
  var principals = PrincipalTable()
  var paths: PathTable
}
