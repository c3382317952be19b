import Ledger

/// Bounds what refusals can write: the first ten of a tenant and reason in a second are recorded
/// singly, the others become one `denials` record. A value; the clock is the ledger's.
package struct DenialTally: Sendable {
  /// Refusals of one tenant and reason that a second records singly.
  package static let singlePerSecondMax = 10
  /// Pairs of tenant and reason that are told apart in one second; what is beyond counts as nobody's.
  package static let pairsMax = 4096

  private struct Pair: Hashable {
    let tenant: String?
    let reason: String
  }

  private var second: Int64 = 0
  private var counts: [Pair: Int] = [:]

  package init() {}

  /// Takes a refusal: `recordsSingly` when it gets a record of its own; and what the second before
  /// left to be recorded. Call `flush` when no refusal comes.
  package mutating func denied(
    tenant: String?, reason: String, timeMs: Int64
  ) -> (recordsSingly: Bool, due: [Denials]) {
    let due = flush(timeMs: timeMs)
    second = timeMs / 1000
    var pair = Pair(tenant: tenant, reason: reason)
    if counts[pair] == nil, counts.count >= Self.pairsMax {
      pair = Pair(tenant: nil, reason: reason)
      counts[pair, default: Self.singlePerSecondMax] += 1
      return (false, due)
    }
    counts[pair, default: 0] += 1
    return (counts[pair]! <= Self.singlePerSecondMax, due)
  }

  /// What a past second left to be recorded, by tenant and reason; nothing while it still runs.
  package mutating func flush(timeMs: Int64) -> [Denials] {
    guard timeMs / 1000 > second, !counts.isEmpty else { return [] }
    return drain()
  }

  /// Everything that is left, at the end.
  package mutating func drain() -> [Denials] {
    let sinceMs = second * 1000
    let due = counts.compactMap { pair, count -> Denials? in
      guard count > Self.singlePerSecondMax else { return nil }
      return Denials(
        tenant: pair.tenant, reason: pair.reason, count: Int64(count - Self.singlePerSecondMax),
        sinceMs: sinceMs)
    }
    counts = [:]
    return due.sorted { ($0.tenant ?? "", $0.reason) < ($1.tenant ?? "", $1.reason) }
  }
}
