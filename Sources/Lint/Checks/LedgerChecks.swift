import Policy
import Terms

extension Checks {
  /// Limits that are only correct with one ledger that outlives its pod.
  static let ledgerChecks = [
    Check(
      "ledger-forgotten", .error, each: \.pods,
      "The policy has calendar or global limits, but the ledger is deleted with the pod: budgets start again at every restart.",
      remedy: "put --data on a persistent volume claim or on the node's disk"
    ) { pod, context, report in
      if let limits = lasting(pod, context), let (field, why) = pod.forgottenLedger {
        report(field, "\(why), and the policy has \(limits)")
      }
    },
    Check(
      "limits-per-replica", .error, each: \.pods,
      "The policy has calendar or global limits, but several Tollgates count each for itself: the budget can be spent several times.",
      remedy:
        "share the limits with --store, or run one replica with a volume claim; limits up to an hour may be per replica"
    ) { pod, context, report in
      guard let limits = lasting(pod, context) else { return }
      report(pod.copies, "there may be several, and the policy has \(limits)")
    },
    Check(
      "rollout-shares-ledger", .warning, each: \.pods,
      "A rollout starts the new pod before the old one has ended, but only one process can use a ledger: the new pod cannot start.",
      remedy: "set maxSurge to 0, or (for a Deployment) the strategy to Recreate"
    ) { pod, _, report in
      guard let volume = pod.dataVolume else { return }
      // Several replicas on one claim are another mistake. All pods of a node share its hostPath.
      let isClaimed = pod.copies == nil && volume["persistentVolumeClaim"].exists
      if isClaimed || volume["hostPath"].exists {
        report(pod.surges, "a new pod starts while the old one still uses the ledger")
      }
    },
  ]

  /// The policies' limits that need a single ledger, for a pod without a store; nil for none.
  private static func lasting(_ pod: TollgatePod, _ context: LintContext) -> String? {
    let limits = context.limits { limit, isGlobal in
      isGlobal || [.day, .week, .month].contains(limit.per)
    }
    guard !pod.hasStore, let first = limits.first else { return nil }
    return limits.count == 1 ? first : "\(first) and \(limits.count - 1) more"
  }
}
