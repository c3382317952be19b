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
      guard let limits = lasting(pod, context), let (field, why) = pod.forgottenLedger else {
        return
      }
      report(field, "\(why), and the policy has \(limits)")
    },
    Check(
      "limits-per-replica", .error, each: \.pods,
      "The policy has calendar or global limits, but several Tollgates count each for itself: the budget can be spent several times.",
      remedy:
        "share the limits with --store, or run one replica with a volume claim; limits per second, minute and hour, and concurrent ones, may be per replica"
    ) { pod, context, report in
      guard let limits = lasting(pod, context) else { return }
      let rest = "each with a ledger of its own, and the policy has \(limits)"
      switch pod.copies {
      case .one: break
      case .several(let count) where count.path.hasSuffix("maxReplicas"):
        report(count, "the autoscaler makes up to \(count.text ?? ""), \(rest)")
      case .several(let count): report(count, "there are \(count.text ?? ""), \(rest)")
      case .everyNode(let field): report(field, "a DaemonSet runs one on every node, \(rest)")
      }
    },
    Check(
      "rollout-shares-ledger", .warning, each: \.pods,
      "A rollout starts the new pod before the old one has ended, but only one process can use a ledger: the new pod cannot start.",
      remedy: "set maxSurge to 0, or (for a Deployment) the strategy to Recreate"
    ) { pod, _, report in
      guard let surges = pod.surges, let volume = pod.dataVolume else { return }
      // Several replicas on one claim are another mistake (limits-per-replica). A hostPath is shared by
      // all pods of a node, also a DaemonSet's.
      var isOne = false
      if case .one = pod.copies { isOne = true }
      if volume["hostPath"].exists || isOne && volume["persistentVolumeClaim"].exists {
        report(surges, "a new pod starts while the old one still uses the ledger")
      }
    },
  ]

  /// The limits of the policies that need a single ledger, for a pod without a shared store; nil where
  /// there are no such limits.
  private static func lasting(_ pod: TollgatePod, _ context: LintContext) -> String? {
    let limits = context.limits("the calendar limit ") { $1 || isCalendar($0) }
    guard !pod.hasStore, let first = limits.first else { return nil }
    return limits.count == 1 ? first : "\(first) and \(limits.count - 1) more"
  }

  private static func isCalendar(_ limit: Limit) -> Bool {
    switch limit.per {
    case .day, .week, .month: true
    case .second, .minute, .hour, nil: false
    }
  }
}
