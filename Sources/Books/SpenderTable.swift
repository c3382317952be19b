import Ledger

/// What callers spent today, since the process started: by tenant, subject and model. Of more than
/// `entriesMax` the one that spent least makes room.
package struct SpenderTable: Sendable {
  package struct Spender: Hashable, Sendable {
    package let tenant: String?
    package let subject: String?
    package let model: String?
  }

  /// How many are told apart.
  static let entriesMax = 10_000
  private(set) var day: Int64 = .min
  private(set) var sums: [Spender: UsageTotals] = [:]

  mutating func add(_ completion: Completion, day: Int64) {
    if day != self.day {
      self.day = day
      sums = [:]
    }
    let spender = Spender(
      tenant: completion.tenant, subject: completion.subject, model: completion.model)
    if let known = sums.index(forKey: spender) { return sums.values[known].add(completion) }
    if sums.count >= Self.entriesMax { makeRoom() }
    sums[spender, default: UsageTotals()].add(completion)
  }

  /// Forgets those that spent least, a tenth of them, so that this does not happen for each new one.
  private mutating func makeRoom() {
    let least = sums.sorted { Self.rank($0.value) < Self.rank($1.value) }
    for entry in least.prefix(Self.entriesMax / 10) { sums[entry.key] = nil }
  }

  /// Money first; without prices, tokens.
  private static func rank(_ totals: UsageTotals) -> (Int64, Int64) {
    (totals.costNanodollars ?? 0, totals.totalTokens)
  }

  /// Those that spent most, apart by what `name` makes of them, the first first.
  package func top<Name: Hashable>(
    _ count: Int, by name: (Spender) -> Name
  ) -> [(name: Name, totals: UsageTotals)] {
    var named: [Name: UsageTotals] = [:]
    for (spender, totals) in sums { named[name(spender), default: UsageTotals()].add(totals) }
    return named.sorted { Self.rank($0.value) > Self.rank($1.value) }.prefix(count)
      .map { ($0.key, $0.value) }
  }
}
