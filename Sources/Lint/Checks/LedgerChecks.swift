import Policy
import Terms

extension Checks {
  /// Limits that are only correct with one ledger that outlives its pod.
  static let ledgerChecks = [
    Check(
      "ledger-forgotten", .error,
      "The policy has calendar or global limits, but the ledger is deleted with the pod: budgets start again at every restart.",
      remedy: "put --data on a persistent volume claim or on the node's disk"
    ) { context, report in
      for (pod, limits) in limitedPods(context) {
        if let (field, why) = pod.forgottenLedger {
          report(field, "\(why), and the policy has \(limits)")
        }
      }
    },
    Check(
      "limits-per-replica", .error,
      "The policy has calendar or global limits, but several Tollgates count each for itself: the budget can be spent several times.",
      remedy:
        "run one replica with a volume claim; limits per second, minute and hour, and concurrent ones, may be per replica"
    ) { context, report in
      for (pod, limits) in limitedPods(context) {
        let rest = "each with a ledger of its own, and the policy has \(limits)"
        switch pod.copies {
        case .one: break
        case .several(let count) where count.path.hasSuffix("maxReplicas"):
          report(count, "the autoscaler makes up to \(count.text ?? ""), \(rest)")
        case .several(let count): report(count, "there are \(count.text ?? ""), \(rest)")
        case .everyNode(let field): report(field, "a DaemonSet runs one on every node, \(rest)")
        }
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

  /// The pods that count by their own ledger, without a shared store, and the limits of the policies that
  /// need a single ledger; no pods where there are no such limits.
  private static func limitedPods(_ context: LintContext) -> [(TollgatePod, String)] {
    let limits = context.limits("the calendar limit ") { $1 || isCalendar($0) }
    guard let first = limits.first else { return [] }
    let text = limits.count == 1 ? first : "\(first) and \(limits.count - 1) more"
    return context.pods.filter { $0.setting("store") == nil }.map { ($0, text) }
  }

  private static func isCalendar(_ limit: Limit) -> Bool {
    switch limit.per {
    case .day, .week, .month: true
    case .second, .minute, .hour, nil: false
    }
  }
}
