import Policy
import Terms

extension Checks {
  /// The store in which replicas share their limits, as far as manifests show it.
  static let storeChecks = [
    Check(
      "store-loss-without-store", .error, each: \.pods,
      "A limit states on_store_loss, but the Tollgates that count it have no store: they share nothing, and each counts for itself.",
      remedy: "give --store, or take on_store_loss out of the policy"
    ) { pod, context, report in
      let limits = context.limits { limit, _ in limit.statedStoreLoss != nil }
      if !pod.hasStore, let first = limits.first {
        report(pod.container, "no --store, and the policy has on_store_loss on \(first)")
      }
    },
    Check(
      "store-ledger-forgotten", .warning, each: \.pods,
      "The ledger is deleted with the pod: what a killed pod had leased stays used until the window ends, and each new pod is one more holder in the store.",
      remedy: "put --data on a persistent volume claim or on the node's disk"
    ) { pod, _, report in
      if pod.hasStore, let (field, why) = pod.forgottenLedger { report(field, why) }
    },
    Check(
      "store-over-network", .error, each: \.pods,
      "The store is reached over a network, and there is no TLS in Tollgate: it does not start unless that is meant.",
      remedy: "use a Unix socket or a loopback address (a mesh's), or --allow-plaintext-network"
    ) { pod, _, report in
      // A toggle: a flag, or a variable with one of these words.
      let name = "allow-plaintext-network"
      let isMeant =
        pod.words.contains("--\(name)")
        || ["1", "true", "yes", "on"].contains(pod.setting(name)?.lowercased())
      if let store = pod.setting("store"), !isLocal(store), !isMeant {
        report(pod.settings["store"]?.last, "the address of --store is not of this pod")
      }
    },
    Check(
      "store-credentials-shown", .error, each: \.pods,
      "The store's credentials stand in the manifest, where everybody reads them who may read pods.",
      remedy:
        "keep them in a Secret: mount it and give --store-credentials FILE, or set TOLLGATE_STORE_CREDENTIALS by valueFrom.secretKeyRef"
    ) { pod, _, report in
      for field in pod.settings["store"] ?? [] where field.text?.contains("@") == true {
        report(field, "the address of --store holds a name or a password")
      }
      // The flag names a file; the variable holds what that file has.
      if pod.words.contains(where: { $0.hasPrefix("--store-credentials") }) { return }
      for field in pod.settings["store-credentials"] ?? [] where field.text?.isEmpty == false {
        report(field, "TOLLGATE_STORE_CREDENTIALS is written out")
      }
    },
    Check(
      "store-timeout", .error, each: \.filters,
      "Envoy gives up before Tollgate has asked the store and flushed its record: requests fail with Envoy's error and not with a decision.",
      remedy: "make the timeout longer, or --store-timeout shorter"
    ) { filter, context, report in
      let waits = context.pods.filter(\.hasStore).compactMap { pod in
        pod.setting("store-timeout").flatMap(Amount.duration)
      }
      guard let wait = waits.max(), let patience = filter.patience, patience < wait + flushTime
      else { return }
      let needed = "\(wait.text) for the store and \(flushTime.text) for its disk"
      report(filter.timeout, "Envoy waits \(patience.text), but Tollgate may wait \(needed)")
    },
  ]

  /// What a flush of the ledger may take on a disk that is not called slow (`TollgateLedgerCommitSlow`).
  private static let flushTime = Duration.milliseconds(100)

  /// Whether none of the servers is reached over a network, as far as `serve` takes the address.
  private static func isLocal(_ store: String) -> Bool {
    guard store.hasPrefix("redis://") else { return true }
    let servers = store.dropFirst("redis://".count).prefix { $0 != "/" && $0 != "?" }
    return servers.split(separator: ",").allSatisfy { server in
      let place = server.split(separator: "@").last ?? server
      return (TCPAddress(String(place)) ?? TCPAddress("\(place):6379"))?.isLoopback == true
    }
  }
}
