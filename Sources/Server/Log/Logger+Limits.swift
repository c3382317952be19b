import Bytes
import Ledger
import Log
import Terms

/// The log lines about limits that tell something without refusing anybody.
extension Logger {
  /// Shares of budgets that settled use has come to; each is on record.
  package func reached(_ thresholds: [Threshold]) {
    for threshold in thresholds {
      let used = threshold.text(threshold.used)
      let amount = threshold.text(threshold.amount)
      log(
        .warning, .limitThreshold,
        "\(threshold.whose) limit \(threshold.limit) has come to \(threshold.share) of its amount: "
          + "\(used) of \(amount); it begins anew at \(UTCTime.string(threshold.windowEndMs))",
        [
          .tenant: .optional(threshold.tenant), .group: .optional(threshold.group),
          .limit: .text(threshold.limit), .share: .text(threshold.share.description),
          .used: .text(used), .amount: .text(amount), .kind: .text(threshold.kind.rawValue),
          .windowEnd: .text(UTCTime.string(threshold.windowEndMs)),
        ])
    }
  }
}

extension Threshold {
  fileprivate var whose: String {
    if let tenant { return "tenant \(tenant)'s" }
    return group.map { "group \($0)'s" } ?? "the global"
  }

  fileprivate func text(_ amount: Int64) -> String {
    kind == .usd ? Dollars.text(amount) : String(amount)
  }
}
