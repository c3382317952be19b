/// How many requests of one tenant were refused for one reason: one line of the log.
package struct RefusalSummary: Sendable, Equatable {
  /// Nil where no tenant was identified, and where more pairs of tenant and reason than
  /// `RefusalTally.pairsMax` were refused.
  package let tenant: String?
  /// The refusal's code, such as `rate_limit_exceeded`.
  package let reason: String
  /// The number of refusals.
  package let count: Int
  /// The time that was counted: since the last summary, or since the first of these refusals.
  package let windowMs: Int64

  package init(tenant: String?, reason: String, count: Int, windowMs: Int64) {
    self.tenant = tenant
    self.reason = reason
    self.count = count
    self.windowMs = windowMs
  }
}

/// Counts refusals for the log: the first refusal of a tenant and reason is reported at the next
/// call of `due`, further ones at most once in `quietMs`, as a count. It has no clock: it is given
/// milliseconds of one that no wall clock moves.
struct RefusalTally: Sendable {
  /// The shortest time between two summaries of one tenant and reason.
  static let quietMs: Int64 = 10_000
  /// How many pairs of tenant and reason are counted separately. Refusals of further pairs are
  /// counted without a tenant.
  static let pairsMax = 128

  private struct Pair: Hashable {
    let tenant: String?
    let reason: String
  }

  private struct Entry {
    var count = 0
    var sinceMs: Int64
    /// When it was last reported; nil where it was not.
    var toldMs: Int64?
  }

  private var entries: [Pair: Entry] = [:]

  /// Counts one refusal.
  mutating func count(tenant: String?, reason: String, timeMs: Int64) {
    var pair = Pair(tenant: tenant, reason: reason)
    if entries[pair] == nil, entries.count >= Self.pairsMax {
      // There are only a few reasons, so these entries beyond `pairsMax` are few too.
      pair = Pair(tenant: nil, reason: reason)
    }
    entries[pair, default: Entry(sinceMs: timeMs)].count += 1
  }

  /// What is to be reported now, sorted by tenant and reason. `isLast`: all counts, because the
  /// process ends.
  mutating func due(timeMs: Int64, isLast: Bool = false) -> [RefusalSummary] {
    guard !entries.isEmpty else { return [] }
    var due: [RefusalSummary] = []
    for (pair, entry) in entries {
      let isQuiet = entry.toldMs.map { timeMs - $0 < Self.quietMs } ?? false
      if isQuiet, !isLast { continue }
      guard entry.count > 0 else {
        entries[pair] = nil
        continue
      }
      due.append(
        RefusalSummary(
          tenant: pair.tenant, reason: pair.reason, count: entry.count,
          windowMs: timeMs - entry.sinceMs))
      entries[pair] = Entry(sinceMs: timeMs, toldMs: timeMs)
    }
    return due.sorted { ($0.tenant ?? "", $0.reason) < ($1.tenant ?? "", $1.reason) }
  }
}
