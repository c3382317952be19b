/// Refusals of one tenant for one reason, over a stretch of time.
package struct RefusalSummary: Sendable, Equatable {
  /// nil where nobody was identified, and for tenants that found no place in the table.
  package let tenant: String?
  /// The refusal's code.
  package let reason: String
  package let count: Int
  /// Since the last summary, or the first of these refusals.
  package let windowMs: Int64

  package init(tenant: String?, reason: String, count: Int, windowMs: Int64) {
    self.tenant = tenant
    self.reason = reason
    self.count = count
    self.windowMs = windowMs
  }
}

/// Counts refusals for people: the first is told at the next look, the others with it or once in
/// `quietMs`, as a count. A value; the clock is the ledger's.
struct RefusalTally: Sendable {
  /// A tenant and reason is told of this often at most.
  static let quietMs: Int64 = 10_000
  /// Pairs of tenant and reason that are told apart; what is beyond counts as nobody's.
  static let pairsMax = 128

  private struct Pair: Hashable {
    let tenant: String?
    let reason: String
  }

  private struct Entry {
    var count = 0
    var sinceMs: Int64
    /// nil where it has not been told of yet.
    var toldMs: Int64?
  }

  private var entries: [Pair: Entry] = [:]

  mutating func count(tenant: String?, reason: String, timeMs: Int64) {
    var pair = Pair(tenant: tenant, reason: reason)
    if entries[pair] == nil, entries.count >= Self.pairsMax {
      // Reasons are few and fixed: these do not grow.
      pair = Pair(tenant: nil, reason: reason)
    }
    entries[pair, default: Entry(sinceMs: timeMs)].count += 1
  }

  /// What is to be told now, by tenant and reason. `isLast`: all of it, for there is no later.
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
