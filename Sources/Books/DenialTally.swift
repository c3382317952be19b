import Ledger

/// Bounds how much refusals can write to the ledger: of one tenant and reason, the first ten in a
/// second get a record each, the others become one `denials` record, which has the first of their ids
/// where the tenant is known: strangers cannot make it long. It has no clock: it is given the
/// ledger's time.
struct DenialTally: Sendable {
  /// How many refusals of one tenant and reason get a record of their own in one second.
  static let singlePerSecondMax = 10
  /// How many pairs of tenant and reason are counted separately in one second. Refusals of further
  /// pairs are counted without a tenant.
  static let pairsMax = 4096

  /// The most request ids that one `denials` record has.
  static let requestIDsMax = 100

  private struct Pair: Hashable {
    let tenant: String?
    let reason: String
  }

  private struct Count {
    var refusals: Int
    /// Of those without a record of their own.
    var requestIDs: [String] = []

    /// Counts a refusal. Returned: whether it gets a record of its own; else its id is kept.
    mutating func add(_ requestID: String, isKept: Bool) -> Bool {
      refusals += 1
      if refusals <= DenialTally.singlePerSecondMax { return true }
      if isKept, requestIDs.count < DenialTally.requestIDsMax { requestIDs.append(requestID) }
      return false
    }
  }

  private var second: Int64 = 0
  private var counts: [Pair: Count] = [:]

  /// Counts a refusal. `recordsSingly`: whether it gets a record of its own. `due`: the counts of
  /// the second before, to be recorded now; call `flush` each second too, because no refusal may
  /// come.
  mutating func denied(
    tenant: String?, reason: String, requestID: String, timeMs: Int64
  ) -> (recordsSingly: Bool, due: [Denials]) {
    let due = flush(timeMs: timeMs)
    second = timeMs / 1000
    var pair = Pair(tenant: tenant, reason: reason)
    if counts[pair] == nil, counts.count >= Self.pairsMax {
      pair = Pair(tenant: nil, reason: reason)
      counts[pair, default: Count(refusals: Self.singlePerSecondMax)].refusals += 1
      return (false, due)
    }
    let recordsSingly = counts[pair, default: Count(refusals: 0)].add(
      requestID, isKept: tenant != nil)
    return (recordsSingly, due)
  }

  /// The counts of a second that is over, by tenant and reason; none while it is not over. Where the
  /// clock was set back, it is over too.
  mutating func flush(timeMs: Int64) -> [Denials] {
    guard timeMs / 1000 != second, !counts.isEmpty else { return [] }
    return drain()
  }

  /// All counts, whether their second is over or not: for the end of the process.
  mutating func drain() -> [Denials] {
    let sinceMs = second * 1000
    let due = counts.compactMap { pair, count -> Denials? in
      guard count.refusals > Self.singlePerSecondMax else { return nil }
      return Denials(
        tenant: pair.tenant, reason: pair.reason,
        count: Int64(count.refusals - Self.singlePerSecondMax), sinceMs: sinceMs,
        requestIDs: count.requestIDs)
    }
    counts = [:]
    return due.sorted { ($0.tenant ?? "", $0.reason) < ($1.tenant ?? "", $1.reason) }
  }
}
