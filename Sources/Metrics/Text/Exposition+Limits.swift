import Books
import Terms

extension Exposition {
  /// Writes what limits told without refusing anybody.
  mutating func limits(shadow: [LimitCount], thresholds: [LimitCount]) {
    metric(
      "ai_gateway_shadow_refusals_total", .counter,
      "Requests that were let through and that a limit with mode shadow would have refused.")
    for one in shadow {
      sample([("tenant", one.tenant), ("limit", one.limit)], UInt64(max(0, one.count)))
    }
    metric(
      "ai_gateway_limit_threshold_total", .counter,
      "How often settled use came to a share of a budget (warn_at), once in each window.")
    for one in thresholds {
      var labels: [(StaticString, String)] = [("tenant", one.tenant), ("limit", one.limit)]
      if let share = one.share { labels.append(("share", share.description)) }
      if let group = one.group { labels.append(("group", group)) }
      sample(labels, UInt64(max(0, one.count)))
    }
  }
}
