import Policy

/// A set with all that the checks derive from it, once for all checks.
struct LintContext: Sendable {
  let set: LintSet
  /// The Envoy configs.
  let envoys: [BootstrapReading]
  /// The gateways that ask Tollgate or route on its header.
  let setups: [GatewaySetup]
  /// The containers that run Tollgate.
  let pods: [TollgatePod]
  let traffic: PolicyTraffic

  init(_ set: LintSet) {
    self.set = set
    let isMeant = !set.policies.isEmpty
    envoys = set.configs.map { BootstrapReading($0, isMeant: isMeant) }
    setups =
      (EnvoyGatewayReading(set).setups() + envoys.flatMap(\.setups))
      .filter(\.concernsTollgate)
    pods = TollgatePodReading(set).pods()
    traffic = PolicyTraffic(set.policies)
  }

  var policies: [PolicySnapshot] { self.set.policies }

  /// The largest `max_body_bytes` of the policies; its default where there is no policy.
  var bodyBytesMax: Int64 {
    Int64(policies.map(\.maxBodyBytes).max() ?? 32 << 20)
  }
}
