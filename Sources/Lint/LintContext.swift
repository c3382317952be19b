import Policy

/// A set with all that the checks derive from it, once for all checks.
struct LintContext: Sendable {
  let set: LintSet
  /// The Envoy configs.
  let envoys: [BootstrapReading]
  /// What Envoy Gateway makes of the resources.
  let resources: EnvoyGatewayReading
  /// The gateways that ask Tollgate or route on its header.
  let chains: [Chain]
  /// The containers that run Tollgate.
  let pods: [TollgatePod]
  let traffic: PolicyTraffic

  init(_ set: LintSet) {
    self.set = set
    let isMeant = !set.policies.isEmpty
    envoys = set.configs.map { BootstrapReading($0, isMeant: isMeant) }
    resources = EnvoyGatewayReading(set)
    chains = (resources.chains() + envoys.flatMap(\.chains)).filter(\.concernsTollgate)
    pods = TollgatePodReading(set).pods()
    traffic = PolicyTraffic(set.policies)
  }

  var policies: [PolicySnapshot] { self.set.policies }

  /// Whole gateways that ask Tollgate.
  var asking: [Chain] { chains.filter { $0.isWhole && $0.asksTollgate } }

  /// The filters that ask Tollgate.
  var filters: [AskingFilter] { chains.flatMap(\.filters) }

  /// The rules that send requests to a backend.
  var rules: [RouteRule] { chains.flatMap(\.backendRules) }

  /// The Gateways among the resources that ask Tollgate or route on its header.
  var gateways: [Resource] { chains.compactMap(\.gateway) }

  /// The largest `max_body_bytes` of the policies; its default where there is no policy.
  var bodyBytesMax: Int64 {
    Int64(policies.map(\.maxBodyBytes).max() ?? 32 << 20)
  }
}
