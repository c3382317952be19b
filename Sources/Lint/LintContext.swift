import Policy
import Terms

/// A set with all that the checks derive from it, once for all checks.
struct LintContext: Sendable {
  let set: LintSet
  let envoys: [BootstrapReading]
  /// What Envoy Gateway makes of the resources.
  let resources: EnvoyGatewayReading
  let chains: [Chain]
  /// The containers of EnvoyProxies and workloads, and those that run Tollgate.
  let containers: [TollgatePod]
  let pods: [TollgatePod]
  let traffic: PolicyTraffic

  init(_ set: LintSet) {
    self.set = set
    let isMeant = !set.policies.isEmpty
    envoys = set.configs.map { BootstrapReading($0, isMeant: isMeant) }
    resources = EnvoyGatewayReading(set)
    chains = (resources.chains() + envoys.flatMap(\.chains)).filter(\.concernsTollgate)
    containers = TollgatePodReading(set).containers()
    pods = containers.filter(\.isTollgate)
    traffic = PolicyTraffic(set.policies)
  }

  /// For checks that look at all of it together.
  var whole: [LintContext] { [self] }
  var policies: [PolicySnapshot] { self.set.policies }
  var readsJWT: Bool { policies.contains { !$0.jwt.isEmpty } }

  /// Those of which the gateway itself is in the set.
  var wholeChains: [Chain] { chains.filter(\.isWhole) }
  var asking: [Chain] { wholeChains.filter(\.asksTollgate) }
  var listeners: [ListenerSettings] { chains.compactMap(\.listener) }
  var accessLogs: [AccessLog] { asking.compactMap(\.accessLog) }

  var filters: [AskingFilter] { chains.flatMap(\.filters) }
  var processors: [AskingFilter] { filters.filter { $0.kind == .extProc } }

  var allRules: [RouteRule] { chains.flatMap(\.rules) }
  var rules: [RouteRule] { chains.flatMap(\.backendRules) }
  var timedRules: [RouteRule] { rules.filter(\.takesTimeouts) }
  var mirrors: [Field] { rules.flatMap(\.mirrors) }

  /// Where HTTPRoutes and GRPCRoutes lead.
  var backends: [(field: Field, target: ObjectReference)] { resources.routes.flatMap(\.backends) }
  func service(_ target: ObjectReference) -> Resource? {
    self.set.resources("Service").first(where: target.names)
  }
  var configMaps: [Resource] { self.set.resources("ConfigMap") }

  /// The Gateways among the resources that ask Tollgate or route on its header.
  var gateways: [Resource] { chains.compactMap(\.gateway) }

  /// The NetworkPolicies of a type, for pods with these labels. One that names no type is for ingress.
  func networkPolicies(
    _ type: String, in namespace: String, for labels: [String: String]
  ) -> [Resource] {
    self.set.resources("NetworkPolicy").filter { policy in
      let types = policy.spec["policyTypes"]
      return policy.namespace == namespace
        && (types.exists ? types.texts : ["Ingress"]).contains(type)
        && Labels.select(policy.spec["podSelector"], labels)
    }
  }

  /// The limits of the policies that `isWanted` takes, as messages name them. `isGlobal`: whether it
  /// counts several tenants together.
  func limits(where isWanted: (Limit, _ isGlobal: Bool) -> Bool) -> [String] {
    var found: [String] = []
    func add(_ limits: [Limit], _ isGlobal: Bool, _ words: (String) -> String) {
      found += limits.filter { isWanted($0, isGlobal) }.map { words($0.name) }
    }
    for policy in policies {
      add(policy.limits, true) { "the global limit \($0)" }
      for group in policy.groups {
        add(group.limits, true) { "the limit \($0) of the group \(group.name)" }
      }
      for tenant in policy.tenants {
        let name = tenant.name.string
        add(tenant.limits + tenant.keys.flatMap(\.limits), false) { "the limit \($0) of \(name)" }
      }
    }
    return found
  }

  /// The largest `max_body_bytes` of the policies; its default where there is no policy.
  var bodyBytesMax: Int64 { Int64(policies.map(\.maxBodyBytes).max() ?? 32 << 20) }
}
