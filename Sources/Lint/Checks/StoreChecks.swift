import Policy
import Terms

extension Checks {
  /// The store in which replicas share their limits, as far as manifests show it.
  static let storeChecks = [
    Check(
      "store-loss-without-store", .error,
      "A limit states on_store_loss, but the Tollgates that count it have no store: they share nothing, and each counts for itself.",
      remedy: "give --store, or take on_store_loss out of the policy"
    ) { context, check in
      guard let limit = context.policies.lazy.flatMap(statingLoss).first else { return [] }
      return context.pods.filter { $0.setting("store") == nil }.map {
        check.finding($0.container, "no --store, and the policy has on_store_loss on \(limit)")
      }
    },
    Check(
      "store-ledger-forgotten", .warning,
      "The ledger is deleted with the pod: what a killed pod had leased stays used until the window ends, and each new pod is one more holder in the store.",
      remedy: "put --data on a persistent volume claim or on the node's disk"
    ) { context, check in
      context.pods.filter { $0.setting("store") != nil }.compactMap { pod in
        guard let mount = pod.dataMount else {
          return check.finding(pod.container, "--data \(pod.dataDirectory) is on no volume")
        }
        guard let volume = pod.volume(of: mount),
          volume["emptyDir"].exists || volume["emptyDir"].node != nil
        else { return nil }
        return check.finding(volume, "the ledger is on an emptyDir")
      }
    },
    Check(
      "store-over-network", .error,
      "The store is reached over a network, and there is no TLS in Tollgate: it does not start unless that is meant.",
      remedy:
        "reach it by a Unix socket or a loopback address (a mesh's, a tunnel's), or give --allow-plaintext-network"
    ) { context, check in
      context.pods.compactMap { pod in
        guard let store = pod.setting("store"), !isLocal(store), !allowsNetwork(pod),
          let field = pod.settings["store"]?.last
        else { return nil }
        return check.finding(field, "the address of --store is not of this pod")
      }
    },
    Check(
      "store-credentials-shown", .error,
      "The store's credentials stand in the manifest, where everybody reads them who may read pods.",
      remedy:
        "keep them in a Secret: mount it and give --store-credentials FILE, or set TOLLGATE_STORE_CREDENTIALS by valueFrom.secretKeyRef"
    ) { context, check in
      context.pods.flatMap { pod in
        let addresses = (pod.settings["store"] ?? []).filter { $0.text?.contains("@") == true }
        let words = pod.container["command"].texts + pod.container["args"].texts
        // The flag names a file; the variable holds what that file has.
        let isFile = words.contains { $0.hasPrefix("--store-credentials") }
        let variables = (isFile ? [] : pod.settings["store-credentials"] ?? [])
          .filter { $0.text?.isEmpty == false }
        return addresses.map {
          check.finding($0, "the address of --store holds a name or a password")
        } + variables.map { check.finding($0, "TOLLGATE_STORE_CREDENTIALS is written out") }
      }
    },
    Check(
      "store-timeout", .error,
      "Envoy gives up before Tollgate has asked the store and flushed its record: requests fail with Envoy's error and not with a decision.",
      remedy: "make the timeout longer, or --store-timeout shorter"
    ) { context, check in
      let waits = context.pods.filter { $0.setting("store") != nil }.map { pod in
        pod.setting("store-timeout").flatMap(DurationReading.parse) ?? storeTimeoutDefault
      }
      guard let wait = waits.max() else { return [] }
      return context.setups.flatMap { setup in
        // With FULL_DUPLEX_STREAMED the message timeout does not apply.
        let timeouts =
          setup.processors.filter { $0.requestBody.value != .fullDuplexStreamed }
          .map { ($0.messageTimeout, messageTimeoutDefault) }
          + setup.authorizers.map { ($0.timeout, $0.unsetTimeout) }
        return timeouts.filter { ($0.duration ?? $1) < wait + flushTime }.map { field, unset in
          check.finding(
            field,
            "Envoy gives Tollgate \(DurationReading.text(field.duration ?? unset)), which may wait"
              + " \(DurationReading.text(wait)) for the store and \(DurationReading.text(flushTime))"
              + " for its disk")
        }
      }
    },
  ]

  /// `--store-timeout`, where it is not given.
  private static let storeTimeoutDefault = Duration.milliseconds(50)
  /// Envoy's `message_timeout`, where it is not given.
  private static let messageTimeoutDefault = Duration.milliseconds(200)
  /// What a flush of the ledger may take on a disk that is not called slow (`TollgateLedgerCommitSlow`).
  private static let flushTime = Duration.milliseconds(100)

  private static func statingLoss(_ policy: PolicySnapshot) -> [String] {
    let tenants = policy.tenants.flatMap { tenant in
      (tenant.limits + tenant.keys.flatMap(\.limits)).filter { $0.statedStoreLoss != nil }
        .map { "\($0.name) of \(tenant.name.string)" }
    }
    return policy.limits.filter { $0.statedStoreLoss != nil }.map { "the global limit \($0.name)" }
      + tenants
  }

  /// Whether none of the servers is reached over a network. An address that `serve` refuses counts as
  /// local: that it is wrong, it says itself.
  private static func isLocal(_ store: String) -> Bool {
    guard store.hasPrefix("redis://") else { return true }
    let servers = store.dropFirst("redis://".count).prefix { $0 != "/" && $0 != "?" }
    return servers.split(separator: ",").allSatisfy { server in
      let place = server.split(separator: "@").last ?? server
      let host = place.lastIndex(of: ":").map { place[..<$0] } ?? place
      return host == "localhost" || host == "[::1]" || host.hasPrefix("127.")
    }
  }

  /// Whether the toggle is on: as a flag, or as a variable by one of its words.
  private static func allowsNetwork(_ pod: TollgatePod) -> Bool {
    let name = "allow-plaintext-network"
    let words = pod.container["command"].texts + pod.container["args"].texts
    if words.contains("--\(name)") { return true }
    return ["1", "true", "yes", "on"].contains(pod.setting(name)?.lowercased() ?? "")
  }
}
