import Bytes
import Ledger
import Terms
import Testing

@Suite struct UsageReadingTests {
  private static let berlin = "Europe/Berlin"

  private func ms(_ text: String) throws -> Int64 { try #require(UTCTime.moment(text)) }
  private func day(_ text: String) throws -> Int64 { try #require(LocalDays.day(text)) }

  private func completion(
    _ id: String = "r", tenant: String = "t", model: String = "m", tokens: Int64 = 1,
    cost: Int64? = 1
  ) -> Completion {
    Completion(
      requestID: id, tenant: tenant, subject: "s", model: model, modelRoute: "v1",
      promptTokens: tokens, totalTokens: tokens, usageSource: .reported, costNanodollars: cost,
      endReason: .complete)
  }

  // MARK: Days

  @Test(arguments: [
    ("UTC", "2026-10-25T00:00:00Z", "2026-10-25"),
    ("UTC", "2026-10-24T23:59:59.999Z", "2026-10-24"),
    (berlin, "2026-10-24T21:59:59.999Z", "2026-10-24"),
    (berlin, "2026-10-24T22:00:00Z", "2026-10-25"),
    // The day of 25 hours.
    (berlin, "2026-10-25T22:59:59.999Z", "2026-10-25"),
    (berlin, "2026-10-25T23:00:00Z", "2026-10-26"),
    // The day of 23 hours.
    (berlin, "2026-03-28T23:00:00Z", "2026-03-29"),
    (berlin, "2026-03-29T21:59:59.999Z", "2026-03-29"),
    (berlin, "2026-03-29T22:00:00Z", "2026-03-30"),
    ("Asia/Kathmandu", "2026-11-22T18:14:59.999Z", "2026-11-22"),
    ("Asia/Kathmandu", "2026-11-22T18:15:00Z", "2026-11-23"),
    ("Pacific/Kiritimati", "2026-11-22T10:00:00Z", "2026-11-23"),
    // There midnight was skipped: the day begins at 1:00.
    ("America/Sao_Paulo", "2018-11-04T02:59:59.999Z", "2018-11-03"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04"),
  ])
  func `an instant is in the day that its time zone has then`(
    zone: String, instant: String, expected: String
  ) throws {
    var days = try #require(LocalDays(timeZone: zone))
    for _ in 0..<2 { #expect(LocalDays.text(day: days.day(ofMs: try ms(instant))) == expected) }
  }

  @Test func `a day begins with its first instant`() throws {
    for zone in ["UTC", Self.berlin, "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata"] {
      var days = try #require(LocalDays(timeZone: zone))
      for day in try day("2018-01-01")...day("2019-12-31") {
        let start = days.start(ofDay: day)
        #expect(days.day(ofMs: start) == day)
        #expect(days.day(ofMs: start - 1) == day - 1)
      }
    }
  }

  @Test func `months follow one another`() throws {
    #expect(LocalDays.firstOfMonth(try day("2026-12-31")) == (try day("2026-12-01")))
    #expect(LocalDays.firstOfMonth(try day("2026-12-31"), plus: 1) == (try day("2027-01-01")))
    #expect(LocalDays.firstOfMonth(try day("2026-01-15"), plus: -1) == (try day("2025-12-01")))
    #expect(LocalDays.text(month: try day("2026-02-28")) == "2026-02")
    #expect(LocalDays(timeZone: "Mars/Olympus") == nil)
  }

  // MARK: Totals

  @Test func `totals are kept by day, and by month before the last one`() throws {
    var totals = DayTotals(timeZone: "UTC", sinceMs: 0)
    for text in ["2026-08-30", "2026-08-31", "2026-09-01", "2026-10-01", "2026-11-02"] {
      totals.add(completion(), keyID: "k", day: try day(text))
    }
    let names = totals.rows.map(\.key).sorted().map {
      "\(LocalDays.text(day: $0.day)) \($0.isMonth)"
    }
    #expect(
      names == ["2026-08-01 true", "2026-09-01 true", "2026-10-01 false", "2026-11-02 false"])
    #expect(totals.rows.map(\.value.requests).reduce(0, +) == 5)
    // A clock that was set back finds the month.
    totals.add(completion(), keyID: "k", day: try day("2026-08-30"))
    #expect(totals.rows.count == 4)
  }

  @Test func `of more rows than there may be the oldest days go, and it is said from when on`()
    throws
  {
    var totals = DayTotals(timeZone: "UTC", sinceMs: 5)
    let first = try day("2026-11-01")
    for number in 0..<100 as Range<Int64> {
      totals.add(
        completion(model: "m\(number)"), keyID: "k", day: first + number / 10, rowsMax: 50)
    }
    #expect(totals.rows.count <= 50)
    #expect(totals.sinceMs > 5)
    #expect((totals.rows.map(\.key.day).min() ?? 0) * 86_400_000 == totals.sinceMs)
    // One day alone may fill them: then only the tenant is told, and nothing is lost.
    for number in 0..<100 {
      totals.add(completion(model: "n\(number)"), keyID: "k", day: first + 40, rowsMax: 50)
    }
    #expect(totals.rows.count <= 51)
    #expect(
      totals.rows.filter { $0.key.day == first + 40 }.map(\.value.requests).reduce(0, +) == 100)
  }

  @Test func `rows are bounded by the ledger's own bound`() {
    #expect(DayTotals.rowsMax(ledgerBytesMax: nil) == DayTotals.rowsMaxWithoutBound)
    #expect(DayTotals.rowsMax(ledgerBytesMax: 1 << 20) == 163)
    #expect(DayTotals.rowsMax(ledgerBytesMax: 1) == 64)
    #expect(DayTotals.rowsMax(ledgerBytesMax: 1 << 40) == DayTotals.rowsMaxWithoutBound)
  }

  @Test func `sums do not overflow`() {
    var totals = UsageTotals()
    for _ in 0..<2 { totals.add(completion(tokens: .max, cost: .max)) }
    #expect(totals.promptTokens == .max)
    #expect(totals.costNanodollars == .max)
    var other = totals
    other.add(totals)
    #expect(other.requests == 4)
    #expect(other.totalTokens == .max)
  }

  @Test func `the last use of a key is the latest, and keys are bounded`() {
    var totals = DayTotals(timeZone: "UTC", sinceMs: 0)
    totals.used(tenant: "t", keyID: "k", atMs: 7)
    totals.used(tenant: "t", keyID: "k", atMs: 5)
    totals.used(tenant: nil, keyID: "k", atMs: 9)
    totals.used(tenant: "t", keyID: nil, atMs: 9)
    #expect(totals.lastUses == [.init(tenant: "t", keyID: "k"): 7])
    for number in 0...DayTotals.keysMax {
      totals.used(tenant: "t", keyID: "k\(number)", atMs: Int64(number) + 10)
    }
    #expect(totals.lastUses.count == DayTotals.keysMax)
    #expect(totals.lastUses[.init(tenant: "t", keyID: "k")] == nil)
    #expect(totals.lastUses[.init(tenant: "t", keyID: "k\(DayTotals.keysMax)")] != nil)
  }

  // MARK: Reading

  private func checkpoint(_ totals: DayTotals?, open: [OpenExchange] = []) -> LedgerRecord.Body {
    var previous = Chain()
    var line = LedgerRecord(seq: 1, timeMs: 0, body: .stop(ProcessEvent(policy: "p", version: "v")))
      .encoded()
    previous.seal(&line)
    return .checkpoint(
      Checkpoint(previousHash: previous.head, counters: [], open: open, totals: totals))
  }

  private func admission(_ id: String, key: String) -> LedgerRecord.Body {
    .admission(Admission(requestID: id, decision: .allow, tenant: "t", keyID: key, policy: "p"))
  }

  private struct Ledger {
    var seq: Int64 = 10
    var records: [LedgerRecord] = []

    mutating func add(_ timeMs: Int64, _ body: LedgerRecord.Body, isCarried: Bool = false) {
      records.append(LedgerRecord(seq: seq, timeMs: timeMs, isCarried: isCarried, body: body))
      seq += 1
    }
  }

  private func read(
    _ ledgers: [Ledger], by: [UsageReport.Dimension], since: Int64? = nil, until: Int64? = nil,
    zone: String = "UTC"
  ) throws -> (rows: [String], from: Int64?, missing: [String]) {
    let days = try #require(LocalDays(timeZone: zone))
    var reading = UsageReading(by: by, sinceMs: since, untilMs: until, days: days)
    for ledger in ledgers {
      reading.beginLedger()
      for record in ledger.records { reading.add(record) }
    }
    let rows = reading.report.rows.map { row in
      row.keys.map { $0 ?? "-" }.joined(separator: " ") + " \(row.totals.requests)"
    }
    return (rows, reading.coversFromMs, reading.missingDays.sorted().map(LocalDays.text(day:)))
  }

  /// Two days in totals, then a checkpoint at noon of the second, and a completion after it.
  private func ledger() throws -> Ledger {
    var totals = DayTotals(timeZone: "UTC", sinceMs: try ms("2026-11-20T06:00:00Z"))
    totals.add(completion(), keyID: "old", day: try day("2026-11-20"))
    for _ in 0..<3 { totals.add(completion(), keyID: "old", day: try day("2026-11-21")) }
    var ledger = Ledger()
    let noon = try ms("2026-11-21T12:00:00Z")
    ledger.add(noon, checkpoint(totals))
    ledger.add(noon, .completion(completion("carried")), isCarried: true)
    ledger.add(noon + 1, admission("r", key: "new"))
    ledger.add(noon + 2, .completion(completion("r")))
    return ledger
  }

  @Test func `what segments that are gone recorded counts by day, tenant, key and model`() throws {
    let ledgers = [try ledger()]
    let days = try read(ledgers, by: [.day])
    #expect(days.rows == ["2026-11-20 1", "2026-11-21 4"])
    #expect(days.from == (try ms("2026-11-20T06:00:00Z")))
    #expect(try read(ledgers, by: [.key]).rows == ["new 1", "old 4"])
    #expect(try read(ledgers, by: [.month, .tenant, .model]).rows == ["2026-11 t m 5"])
  }

  @Test func `what they recorded is not known by subject, route or class`() throws {
    for dimension in [UsageReport.Dimension.subject, .modelRoute, .trafficClass] {
      let result = try read([try ledger()], by: [dimension])
      #expect(result.rows.count == 1)
      // The carried one counts: no totals are used that have it already.
      #expect(result.rows[0].hasSuffix(" 2"))
      #expect(result.from == (try ms("2026-11-21T12:00:00Z")))
    }
  }

  @Test func `a span counts whole days, and says what is missing of the others`() throws {
    let ledgers = [try ledger()]
    let from21 = try read(ledgers, by: [.day], since: try ms("2026-11-21T00:00:00Z"))
    #expect(from21.rows == ["2026-11-21 4"])
    #expect(from21.from == (try ms("2026-11-21T00:00:00Z")))
    let until21 = try read(ledgers, by: [.day], until: try ms("2026-11-21T00:00:00Z"))
    #expect(until21.rows == ["2026-11-20 1"])
    #expect(until21.missing.isEmpty)
    let from9 = try read(ledgers, by: [.day], since: try ms("2026-11-21T09:00:00Z"))
    #expect(from9.rows == ["2026-11-21 1"])
    #expect(from9.missing == ["2026-11-21"])
    #expect(from9.from == (try ms("2026-11-21T12:00:00Z")))
    let until9 = try read(ledgers, by: [.day], until: try ms("2026-11-21T09:00:00Z"))
    #expect(until9.rows == ["2026-11-20 1"])
    #expect(until9.missing == ["2026-11-21"])
  }

  @Test func `days of another time zone cannot be put together, sums without days can`() throws {
    let ledgers = [try ledger()]
    let dated = try read(ledgers, by: [.day], zone: Self.berlin)
    #expect(dated.rows == ["2026-11-21 2"])
    #expect(dated.from == (try ms("2026-11-21T12:00:00Z")))
    #expect(try read(ledgers, by: [.tenant], zone: Self.berlin).rows == ["t 5"])
  }

  @Test func `a month that is kept as one counts by month, and not by day`() throws {
    var totals = DayTotals(timeZone: "UTC", sinceMs: try ms("2026-08-01T00:00:00Z"))
    totals.add(completion(), keyID: "k", day: try day("2026-08-30"))
    totals.add(completion(), keyID: "k", day: try day("2026-11-02"))
    var ledger = Ledger()
    ledger.add(try ms("2026-11-02T12:00:00Z"), checkpoint(totals))
    #expect(try read([ledger], by: [.month]).rows == ["2026-08 1", "2026-11 1"])
    let days = try read([ledger], by: [.day])
    #expect(days.rows == ["2026-11-02 1"])
    #expect(days.missing == ["2026-08-01"])
    #expect(days.from == (try ms("2026-09-01T00:00:00Z")))
    let half = try read([ledger], by: [.month], since: try ms("2026-08-15T00:00:00Z"))
    #expect(half.rows == ["2026-11 1"])
    #expect(half.missing == ["2026-08-01"])
  }

  @Test func `several ledgers are one sum, from when on all of them are known`() throws {
    var second = Ledger()
    second.add(try ms("2026-11-22T00:00:00Z"), checkpoint(nil))
    second.add(try ms("2026-11-22T01:00:00Z"), admission("r", key: "new"))
    second.add(try ms("2026-11-22T01:00:00Z"), .completion(completion("r")))
    let result = try read([try ledger(), second], by: [.key])
    #expect(result.rows == ["new 2", "old 4"])
    #expect(result.from == (try ms("2026-11-22T00:00:00Z")))
  }

  @Test func `a completion that was carried has the key of its admission`() throws {
    var ledger = Ledger()
    ledger.add(1_000, checkpoint(nil))
    ledger.add(2_000, admission("a", key: "k"))
    ledger.add(3_000, checkpoint(nil))
    ledger.add(3_000, .completion(completion("a")), isCarried: true)
    ledger.add(3_000, admission("b", key: "l"), isCarried: true)
    ledger.add(3_000, .completion(completion("b")), isCarried: true)
    #expect(try read([ledger], by: [.key]).rows == ["k 1", "l 1"])
  }
}
