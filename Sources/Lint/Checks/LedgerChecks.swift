import Policy
import Terms

extension Checks {
  /// Limits that only hold while there is one ledger, and it is kept.
  static let ledgerChecks = [
    Check(
      "ledger-forgotten", .error,
      "Calendar or global limits, and the ledger goes with the pod: budgets begin anew at every restart.",
      remedy: "put --data on a persistent volume claim or the node's disk"
    ) { context, check in
      limitedPods(context).compactMap { pod, limits in
        guard let volume = pod.dataVolume else {
          return pod.dataMount != nil
            ? nil
            : check.finding(
              pod.container,
              "--data \(pod.dataDirectory) is on no volume, and the policy has "
                + limits)
        }
        return volume["emptyDir"].exists || volume["emptyDir"].node != nil
          ? check.finding(volume, "the ledger is on an emptyDir, and the policy has \(limits)")
          : nil
      }
    },
    Check(
      "limits-per-replica", .error,
      "Calendar or global limits, and several Tollgates that each count for themselves: everybody has the budget several times.",
      remedy: "one replica with a volume claim; rates and slots may stay per replica"
    ) { context, check in
      limitedPods(context).compactMap { pod, limits in
        guard case .several(let field, let why) = pod.copies else { return nil }
        return check.finding(
          field, "\(why), each with a ledger of its own, and the policy has \(limits)")
      }
    },
    Check(
      "rollout-shares-ledger", .warning,
      "A rollout starts the new pod before the old one has ended, and one ledger takes one process: it waits in vain.",
      remedy: "maxSurge: 0, or (for a Deployment) strategy Recreate"
    ) { context, check in
      context.pods.compactMap { pod in
        guard let surges = pod.surges, let volume = pod.dataVolume else { return nil }
        // Several replicas on one claim have another fault first. A node's disk is one for the node.
        var isOne = false
        if case .one = pod.copies { isOne = true }
        let isShared =
          volume["hostPath"].exists || isOne && volume["persistentVolumeClaim"].exists
        guard isShared else { return nil }
        return check.finding(surges, "a new pod starts while the old one still holds the ledger")
      }
    },
  ]

  /// The pods whose own ledger is all that counts for limits that need one for all, with those limits.
  private static func limitedPods(_ context: LintContext) -> [(TollgatePod, String)] {
    let limits = context.policies.flatMap(lasting)
    guard let first = limits.first else { return [] }
    let text = limits.count == 1 ? first : "\(first) and \(limits.count - 1) more"
    return context.pods.filter { $0.setting("store") == nil }.map { ($0, text) }
  }

  private static func lasting(_ policy: PolicySnapshot) -> [String] {
    let tenants = policy.tenants.flatMap { tenant in
      (tenant.limits + tenant.keys.flatMap(\.limits)).filter(isCalendar).map {
        "the calendar limit \($0.name) of \(tenant.name.string)"
      }
    }
    return policy.limits.map { "the global limit \($0.name)" } + tenants
  }

  private static func isCalendar(_ limit: Limit) -> Bool {
    switch limit.per {
    case .day, .week, .month: true
    case .second, .minute, .hour, nil: false
    }
  }
}
