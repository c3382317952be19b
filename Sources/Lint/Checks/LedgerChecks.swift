import Policy
import Terms

extension Checks {
  /// Limits that are only correct with one ledger that outlives its pod.
  static let ledgerChecks = [
    Check(
      "ledger-forgotten", .error,
      "The policy has calendar or global limits, but the ledger is deleted with the pod: budgets start again at every restart.",
      remedy: "put --data on a persistent volume claim or on the node's disk"
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
      "The policy has calendar or global limits, but several Tollgates count each for itself: the budget can be spent several times.",
      remedy:
        "run one replica with a volume claim; limits per second, minute and hour, and concurrent ones, may be per replica"
    ) { context, check in
      limitedPods(context).compactMap { pod, limits in
        guard case .several(let field, let why) = pod.copies else { return nil }
        return check.finding(
          field, "\(why), each with a ledger of its own, and the policy has \(limits)")
      }
    },
    Check(
      "rollout-shares-ledger", .warning,
      "A rollout starts the new pod before the old one has ended, but only one process can use a ledger: the new pod cannot start.",
      remedy: "set maxSurge to 0, or (for a Deployment) the strategy to Recreate"
    ) { context, check in
      context.pods.compactMap { pod in
        guard let surges = pod.surges, let volume = pod.dataVolume else { return nil }
        // Several replicas on one claim are another mistake (limits-per-replica). A hostPath is shared by
        // all pods of a node, also a DaemonSet's.
        var isOne = false
        if case .one = pod.copies { isOne = true }
        let isShared =
          volume["hostPath"].exists || isOne && volume["persistentVolumeClaim"].exists
        guard isShared else { return nil }
        return check.finding(surges, "a new pod starts while the old one still uses the ledger")
      }
    },
  ]

  /// The pods that count by their own ledger, without a shared store, and the limits of the policies that
  /// need a single ledger; no pods where there are no such limits.
  private static func limitedPods(_ context: LintContext) -> [(TollgatePod, String)] {
    let limits = context.policies.flatMap(lasting)
    guard let first = limits.first else { return [] }
    let text = limits.count == 1 ? first : "\(first) and \(limits.count - 1) more"
    return context.pods.filter { $0.setting("store") == nil }.map { ($0, text) }
  }

  /// The limits of a policy that need a single ledger that is kept: calendar and global ones.
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
