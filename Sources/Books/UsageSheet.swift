import Foundation
import Ledger

/// What was used so far: on each day, of which checkpoints keep the sums, and by whom today.
struct UsageSheet {
  private(set) var totals: DayTotals
  private(set) var spenders = SpenderTable()
  private var days: LocalDays
  private let rowsMax: Int

  /// - Parameters:
  ///   - recovered: what the ledger had; nil in a new one.
  ///   - nowMs: the ledger's time.
  init(_ recovered: DayTotals?, timeZone: String, _ settings: LedgerSettings, nowMs: Int64) {
    days = LocalDays(timeZone: timeZone) ?? .utc
    rowsMax = DayTotals.rowsMax(ledgerBytesMax: settings.ledgerBytesMax)
    totals = recovered ?? DayTotals(timeZone: days.timeZone, sinceMs: nowMs)
    totals.use(timeZone: days.timeZone)
  }

  /// A reload may have changed it.
  mutating func use(timeZone: String) {
    guard timeZone != days.timeZone else { return }
    days = LocalDays(timeZone: timeZone) ?? .utc
    totals.use(timeZone: days.timeZone)
  }

  /// A request came that was admitted or refused.
  mutating func came(_ record: Admission, atMs nowMs: Int64) {
    totals.came(record, atMs: nowMs)
  }

  mutating func add(_ completion: Completion, keyID: String?, atMs nowMs: Int64) {
    let day = day(ofMs: nowMs)
    totals.add(completion, keyID: keyID, day: day, rowsMax: rowsMax)
    spenders.add(completion, day: day)
  }

  mutating func day(ofMs nowMs: Int64) -> Int64 { days.day(ofMs: nowMs) }
}

extension Books {
  /// What was used on each day so far, who spent most today since the start, and what day it is now.
  package var usage: (totals: DayTotals, spenders: SpenderTable, today: Int64) {
    lock.withLock {
      let now = readClock()
      return (sheet.totals, sheet.spenders, sheet.day(ofMs: now))
    }
  }
}
