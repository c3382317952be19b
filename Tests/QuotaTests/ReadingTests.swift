import Terms
import Testing

@testable import Quota

@Suite struct ReadingTests {
  private static let caller = Caller(tenant: "a", keyID: "k", subject: "s")

  private func reserve(
    _ table: inout QuotaTable, _ set: LimitSet, tokens: Int64, caller: Caller = caller, now: Int64
  ) throws -> Reservation {
    let demand = Demand(promptTokens: tokens, completionTokens: 0, isBoundStated: true)
    switch table.reserve(set, caller: caller, demand: demand, now: now) {
    case .admitted(let reservation): return reservation
    case .refused: throw Refused()
    case .asks: throw Refused()
    }
  }

  private struct Refused: Error {}

  private func used(_ tokens: Int64) -> Settlement {
    .used(Usage(promptTokens: tokens, completionTokens: 0, nanoDollars: 0))
  }

  @Test func `a bucket tells what is reserved from what was used, and both come back`() throws {
    let catalog = LimitCatalog(rules: [Limits.bucket(.tokens, 60_000)])
    var table = QuotaTable(catalog)
    let first = try reserve(&table, catalog.set([0]), tokens: 30_000, now: 0)
    let second = try reserve(&table, catalog.set([0]), tokens: 10_000, now: 0)
    var reading = table.reading(ofRule: 0, scopeValue: "", now: 0)
    #expect((reading.used, reading.reserved, reading.remaining) == (0, 40_000, 20_000))
    _ = table.settle(first, as: used(5_000), now: 0)
    reading = table.reading(ofRule: 0, scopeValue: "", now: 0)
    #expect((reading.used, reading.reserved, reading.remaining) == (5_000, 10_000, 45_000))
    #expect(reading.resetMilliseconds == 15_000)
    // Ten seconds bring ten thousand back: nothing is owed but what is still held.
    reading = table.reading(ofRule: 0, scopeValue: "", now: 10_000)
    #expect((reading.used, reading.reserved, reading.remaining) == (0, 5_000, 55_000))
    _ = table.settle(second, as: used(90_000), now: 10_000)
    reading = table.reading(ofRule: 0, scopeValue: "", now: 10_000)
    #expect((reading.used, reading.reserved, reading.remaining) == (85_000, 0, 0))
    #expect(reading.capacity == 60_000)
  }

  @Test func `a scan in steps finds the tightest of all counters, whatever the steps`() throws {
    let catalog = LimitCatalog(
      rules: [Limits.bucket(.requests, 10, scope: .subject)])
    for step in [1, 2, 3, 7, 100] {
      var table = QuotaTable(catalog)
      var held: [Charge] = []
      for subject in 0..<7 {
        for _ in 0...(subject == 4 ? 3 : 0) {
          let caller = Caller(tenant: "a", keyID: nil, subject: "s\(subject)")
          let reservation = try reserve(&table, catalog.set([0]), tokens: 0, caller: caller, now: 0)
          held += table.settle(reservation, as: .requestOnly, now: 0)
        }
      }
      var scan = CounterScan()
      var steps = 0
      repeat {
        table.advance(&scan, ofRule: 0, most: step, now: 0)
        steps += 1
      } while !scan.isOver
      #expect(scan.count == 7)
      #expect(scan.tightest?.scopeValue == "s4")
      #expect(scan.tightest?.remaining == 6)
      #expect(steps == (7 + step - 1) / step)
    }
  }

  @Test func `a scan of no counters is over at once`() {
    let catalog = LimitCatalog(rules: [Limits.bucket(.requests, 10, scope: .key)])
    var table = QuotaTable(catalog)
    var scan = CounterScan()
    table.advance(&scan, ofRule: 0, most: 8, now: 0)
    #expect(scan.isOver && scan.count == 0 && scan.tightest == nil)
    #expect(!table.hasCounter(ofRule: 0, scopeValue: "k"))
    #expect(table.reading(ofRule: 0, scopeValue: "k", now: 0).remaining == 10)
  }

  @Test func `a counter's hold ends with its reservations, restored ones too`() throws {
    let catalog = LimitCatalog(rules: [Limits.bucket(.tokens, 1_000, per: Limits.hour)])
    var table = QuotaTable(catalog)
    let reservation = try reserve(&table, catalog.set([0]), tokens: 300, now: 0)
    let charges = reservation.charges
    var next = QuotaTable(catalog)
    try next.restore(table.snapshot(now: 0))
    reservation.leaveToRecovery()
    // The new process settles what it finds open.
    let reopened = next.reopen(
      charges, demand: Demand(promptTokens: 300, completionTokens: 0, isBoundStated: true), now: 0)
    _ = next.settle(reopened, as: used(100), now: 0)
    let reading = next.reading(ofRule: 0, scopeValue: "", now: 0)
    #expect((reading.used, reading.reserved, reading.remaining) == (100, 0, 900))
  }
}
