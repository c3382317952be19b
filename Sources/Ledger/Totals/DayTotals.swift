import Bytes

/// What was used on each day by tenant, key and model, and when each key was last used. Checkpoints carry
/// it, so that sums outlive the segments.
///
/// The days of this month and the last are kept one by one, those before as months; of more rows than
/// `rowsMax` the oldest days go.
package struct DayTotals: Equatable, Sendable {
  /// Whose sums a row has, and of when.
  package struct Key: Hashable, Comparable, Sendable {
    /// The day, as `LocalDays` counts them; of a month its first.
    package var day: Int64
    /// Whether it is the whole month of that day.
    package var isMonth = false
    package var tenant: String?
    package var keyID: String?
    package var model: String?

    package init(
      day: Int64, isMonth: Bool = false, tenant: String?, keyID: String?, model: String?
    ) {
      self.day = day
      self.isMonth = isMonth
      self.tenant = tenant
      self.keyID = keyID
      self.model = model
    }

    package static func < (left: Self, right: Self) -> Bool {
      (left.day, left.isMonth ? 0 : 1, left.tenant ?? "", left.keyID ?? "", left.model ?? "")
        < (
          right.day, right.isMonth ? 0 : 1, right.tenant ?? "", right.keyID ?? "", right.model ?? ""
        )
    }
  }

  /// A tenant's key.
  package struct KeyName: Hashable, Comparable, Sendable {
    package var tenant: String
    package var keyID: String

    package init(tenant: String, keyID: String) {
      self.tenant = tenant
      self.keyID = keyID
    }

    package static func < (left: Self, right: Self) -> Bool {
      (left.tenant, left.keyID) < (right.tenant, right.keyID)
    }
  }

  /// The most rows where the ledger has no bound.
  package static let rowsMaxWithoutBound = 50_000
  /// The most keys whose last use is known.
  package static let keysMax = 50_000
  /// A row's length in a checkpoint, as a rule; and the share of `--ledger-max-bytes` that all of them
  /// may have there.
  private static let rowBytes = 200
  private static let boundShare = 32
  private static let rowsMaxAtLeast = 64

  /// In which time zone days begin. Days before a change of it keep their bounds.
  package private(set) var timeZone: String
  /// From when on all completions are counted.
  package private(set) var sinceMs: Int64
  /// By day or month, so that a copy shares those that do not change any more.
  private var periods: [Period: [Name: UsageTotals]] = [:]
  /// How many rows all of them have.
  package private(set) var count = 0
  /// When a request last came with a key, admitted or refused, in Unix milliseconds.
  package private(set) var lastUses: [KeyName: Int64] = [:]
  /// The day of the last completion.
  private var today: Int64 = .min

  private struct Period: Hashable, Sendable {
    let day: Int64
    let isMonth: Bool

    /// The day behind its last.
    var end: Int64 { isMonth ? LocalDays.firstOfMonth(day, plus: 1) : day + 1 }
  }

  private struct Name: Hashable, Sendable {
    var tenant: String?
    var keyID: String?
    var model: String?
  }

  /// Nothing yet.
  package init(timeZone: String, sinceMs: Int64) {
    self.timeZone = timeZone
    self.sinceMs = sinceMs
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.timeZone == right.timeZone && left.sinceMs == right.sinceMs
      && left.periods == right.periods && left.lastUses == right.lastUses
  }

  /// Every row, in no order.
  package var rows: [(key: Key, value: UsageTotals)] {
    var rows: [(key: Key, value: UsageTotals)] = []
    rows.reserveCapacity(count)
    for (period, names) in periods {
      for (name, totals) in names {
        let key = Key(
          day: period.day, isMonth: period.isMonth, tenant: name.tenant, keyID: name.keyID,
          model: name.model)
        rows.append((key, totals))
      }
    }
    return rows
  }

  /// How many rows a checkpoint may have in a ledger of that size.
  package static func rowsMax(ledgerBytesMax: Int64?) -> Int {
    guard let ledgerBytesMax else { return rowsMaxWithoutBound }
    let room = Int(clamping: ledgerBytesMax) / boundShare / rowBytes
    return min(rowsMaxWithoutBound, max(rowsMaxAtLeast, room))
  }

  // MARK: Changes

  /// From here on days are this zone's.
  package mutating func use(timeZone: String) { self.timeZone = timeZone }

  /// Adds a completion of that day. `rowsMax`: the most rows then.
  package mutating func add(
    _ completion: Completion, keyID: String?, day: Int64, rowsMax: Int = rowsMaxWithoutBound
  ) {
    if day > today {
      today = day
      joinMonths()
    }
    var period = Period(day: day, isMonth: false)
    if periods[period] == nil {
      // A completion from before, behind a clock that was set back.
      let month = Period(day: LocalDays.firstOfMonth(day), isMonth: true)
      if periods[month] != nil { period = month }
    }
    var name = Name(tenant: completion.tenant, keyID: keyID, model: completion.model)
    if count >= rowsMax, periods[period]?[name] == nil {
      makeRoom(rowsMax)
      // One day alone may have as many: those that come are told apart by tenant only.
      if count >= rowsMax { name = Name(tenant: name.tenant) }
    }
    change(period, name) { $0.add(completion) }
  }

  /// Inlined, so that nothing is copied into the closure.
  @inline(__always)
  private mutating func change(
    _ period: Period, _ name: Name, _ change: (inout UsageTotals) -> Void
  ) {
    if Self.change(&periods[period, default: [:]], name, change) { count += 1 }
  }

  /// Whether the row is new. One look for a row that is there: each completion comes here.
  @inline(__always)
  private static func change(
    _ rows: inout [Name: UsageTotals], _ name: Name, _ change: (inout UsageTotals) -> Void
  ) -> Bool {
    if let known = rows.index(forKey: name) {
      change(&rows.values[known])
      return false
    }
    var totals = UsageTotals()
    change(&totals)
    rows[name] = totals
    return true
  }

  /// Notes that a request came, admitted or refused.
  package mutating func came(_ record: Admission, atMs timeMs: Int64) {
    used(tenant: record.tenant, keyID: record.keyID, atMs: timeMs)
  }

  /// Notes that a request came with a key.
  package mutating func used(tenant: String?, keyID: String?, atMs timeMs: Int64) {
    guard let tenant, let keyID else { return }
    let key = KeyName(tenant: tenant, keyID: keyID)
    if let known = lastUses.index(forKey: key) {
      lastUses.values[known] = max(timeMs, lastUses.values[known])
      return
    }
    if lastUses.count >= Self.keysMax {
      guard let oldest = lastUses.min(by: { $0.value < $1.value })?.key else { return }
      lastUses[oldest] = nil
    }
    lastUses[key] = timeMs
  }

  /// Takes what a checkpoint says.
  mutating func restore(row key: Key, _ totals: UsageTotals) {
    let name = Name(tenant: key.tenant, keyID: key.keyID, model: key.model)
    change(Period(day: key.day, isMonth: key.isMonth), name) { $0.add(totals) }
    if !key.isMonth { today = max(today, key.day) }
  }

  mutating func restore(lastUse timeMs: Int64, of key: KeyName) {
    guard lastUses.count < Self.keysMax else { return }
    lastUses[key] = timeMs
  }

  /// Puts the days before the last month together to months.
  private mutating func joinMonths() {
    let kept = LocalDays.firstOfMonth(today, plus: -1)
    for (period, names) in periods where !period.isMonth && period.day < kept {
      periods[period] = nil
      count -= names.count
      let month = Period(day: LocalDays.firstOfMonth(period.day), isMonth: true)
      for (name, totals) in names { change(month, name) { $0.add(totals) } }
    }
  }

  /// Drops the oldest days or months, but not today: so many at once that this does not happen for each
  /// row.
  private mutating func makeRoom(_ rowsMax: Int) {
    let zone = LocalDays(timeZone: timeZone) ?? .utc
    for period in periods.keys.sorted(by: { $0.end < $1.end }) {
      guard count > rowsMax - rowsMax / 10, period.end <= today else { return }
      count -= periods.removeValue(forKey: period)?.count ?? 0
      sinceMs = max(sinceMs, zone.start(ofDay: period.end))
    }
  }

  // MARK: Sums

  /// The sums of the days from `first` to `last`, apart by what `name` makes of a row. Of a month that is
  /// kept as one, all of it counts where its first day is among them.
  package func sums<Name: Hashable>(
    from first: Int64, to last: Int64, by name: (Key) -> Name
  ) -> [Name: UsageTotals] {
    var sums: [Name: UsageTotals] = [:]
    for (period, names) in periods where period.day >= first && period.day <= last {
      for (one, totals) in names {
        let key = Key(
          day: period.day, isMonth: period.isMonth, tenant: one.tenant, keyID: one.keyID,
          model: one.model)
        sums[name(key), default: UsageTotals()].add(totals)
      }
    }
    return sums
  }
}
