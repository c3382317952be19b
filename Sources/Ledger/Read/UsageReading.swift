/// Sums the usage of one or several ledgers. What segments that are gone have recorded counts too, as far
/// as the daily totals of the first checkpoint tell it: whole days, by tenant, key and model.
package struct UsageReading {
  /// The sums so far.
  package private(set) var report: UsageReport
  /// From when on everything is in the sums, in Unix milliseconds; nil before a ledger was read.
  package private(set) var coversFromMs: Int64?
  /// Days that are only in part in the span that is asked for, and whose completions are gone.
  package private(set) var missingDays: Set<Int64> = []

  private let sinceMs: Int64
  private let untilMs: Int64
  private var days: LocalDays
  private var exchanges = OpenExchanges()
  private var isFirstSegment = true
  private var hasCheckpoint = false
  private var usesTotals = false

  /// - Parameters:
  ///   - sinceMs: the earliest time of a completion that counts; nil for any.
  ///   - untilMs: the time before which it must be; nil for any.
  package init(
    by dimensions: [UsageReport.Dimension], sinceMs: Int64?, untilMs: Int64?, days: LocalDays
  ) {
    report = UsageReport(by: dimensions)
    self.sinceMs = sinceMs ?? .min
    self.untilMs = untilMs ?? .max
    self.days = days
  }

  /// Another ledger begins with the next record.
  package mutating func beginLedger() {
    exchanges = OpenExchanges()
    isFirstSegment = true
    hasCheckpoint = false
    usesTotals = false
  }

  package mutating func add(_ record: LedgerRecord) {
    if case .checkpoint(let checkpoint) = record.body {
      isFirstSegment = !hasCheckpoint
      if !hasCheckpoint { begin(checkpoint, atMs: record.timeMs) }
      hasCheckpoint = true
    }
    defer { exchanges.apply(record) }
    guard case .completion(let completion) = record.body, record.timeMs >= sinceMs,
      record.timeMs < untilMs
    else { return }
    // What was carried behind the first checkpoint is in its totals already.
    if record.isCarried, isFirstSegment, usesTotals { return }
    report.add(
      completion.value, of: exchanges.admission(of: record),
      day: days.day(ofMs: record.timeMs))
  }

  /// The ledger's first checkpoint: what was before it.
  private mutating func begin(_ checkpoint: Checkpoint, atMs timeMs: Int64) {
    var from = timeMs
    defer { coversFromMs = max(coversFromMs ?? .min, max(from, sinceMs)) }
    guard let totals = checkpoint.totals, mayUse(totals) else { return }
    usesTotals = true
    from = totals.sinceMs
    let zone = LocalDays(timeZone: totals.timeZone) ?? .utc
    for (key, sums) in totals.rows {
      let start = zone.start(ofDay: key.day)
      let next = key.isMonth ? LocalDays.firstOfMonth(key.day, plus: 1) : key.day + 1
      // The last day's row has what was before the checkpoint.
      let end = min(zone.start(ofDay: next), max(timeMs, start + 1))
      if end <= sinceMs || start >= untilMs { continue }
      guard start >= sinceMs, end <= untilMs, !key.isMonth || !report.dimensions.contains(.day)
      else {
        missingDays.insert(key.day)
        if end < untilMs { from = max(from, end) }
        continue
      }
      report.add(sums, of: key)
    }
  }

  private func mayUse(_ totals: DayTotals) -> Bool {
    let isDated =
      sinceMs > .min || untilMs < .max || report.dimensions.contains(where: \.isDate)
    return report.dimensions.allSatisfy(\.isInTotals)
      && (!isDated || totals.timeZone == days.timeZone)
  }
}

extension LedgerDirectory {
  /// What the newest checkpoint of a ledger says of it: the time zone of its days, and its id. Nil where
  /// no checkpoint can be read, or an older version wrote it.
  package static func newest(
    _ files: any LedgerFiles
  ) throws(LedgerProblem) -> (timeZone: String?, id: String?) {
    let segments: [Segment]
    do { segments = try Segment.list(files) } catch { throw .files(error) }
    for segment in segments.reversed() {
      var reader = SegmentReader(files, segment, endSeq: nil)
      guard (try? reader.next()) != nil, let checkpoint = reader.checkpoint else { continue }
      return (checkpoint.totals?.timeZone, checkpoint.identity?.id)
    }
    return (nil, nil)
  }
}
