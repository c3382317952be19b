import Policy
import Terms

/// A set with all that the checks derive from it, once for all checks.
struct LintContext: Sendable {
  let set: LintSet
  /// The gateways that ask Tollgate or route on its header.
  let setups: [GatewaySetup]
  /// The containers that run Tollgate.
  let pods: [TollgatePod]
  let traffic: PolicyTraffic

  init(_ set: LintSet) {
    self.set = set
    setups =
      (EnvoyGatewayReading(set).setups()
      + set.bootstraps.flatMap { BootstrapReading($0).setups() })
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
