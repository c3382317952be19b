import Books
import Bytes
import Foundation
import Gateway
import Ledger
import Log
import Policy
import Terms
import Testing
import Transport

@testable import Server

/// What the log says of refusals, the ledger and a drain.
struct ServeMessageTests {
  private let lines = LogCapture()
  private let log: Logger

  init() {
    log = Logger(level: .info, format: .text, write: lines.append)
  }

  private var said: [String] { lines.said(by: log) }

  @Test func `refusals are told with their count; what the operator must mend is a warning`() {
    log.refused([
      RefusalSummary(tenant: nil, reason: "invalid_api_key", count: 1, windowMs: 0),
      RefusalSummary(
        tenant: "tenant-a", reason: "rate_limit_exceeded", count: 312, windowMs: 10_000),
      RefusalSummary(tenant: "tenant-a", reason: "ledger_unavailable", count: 2, windowMs: 17),
    ])
    #expect(
      said == [
        "info 1 request of no tenant refused: invalid_api_key reason=invalid_api_key count=1 "
          + "window_seconds=0",
        "info 312 requests of tenant-a refused: rate_limit_exceeded tenant=tenant-a "
          + "reason=rate_limit_exceeded count=312 window_seconds=10",
        "warning 2 requests of tenant-a refused: ledger_unavailable tenant=tenant-a "
          + "reason=ledger_unavailable count=2 window_seconds=0.017",
      ])
  }

  @Test func `an outage is told when it begins, when its cause changes and when it ends`() {
    var watch = LedgerOutage.Watch()
    let full = LedgerState.unavailable(.ledgerFull)
    let queue = LedgerState.unavailable(.queueFull)
    #expect(watch.saw(.unavailable(.starting), nowNanoseconds: 0) == nil)
    #expect(watch.saw(.writable, nowNanoseconds: 1) == nil)
    #expect(watch.saw(full, nowNanoseconds: 5) == .unavailable(.ledgerFull))
    #expect(watch.saw(full, nowNanoseconds: 6) == nil)
    #expect(watch.saw(queue, nowNanoseconds: 7) == .unavailable(.queueFull))
    #expect(watch.saw(.unavailable(.stopped), nowNanoseconds: 8) == nil)
    #expect(watch.saw(.writable, nowNanoseconds: 9) == .writable(outNanoseconds: 4))
    #expect(watch.saw(.writable, nowNanoseconds: 10) == nil)
    #expect(watch.saw(full, nowNanoseconds: 11) == .unavailable(.ledgerFull))
  }

  @Test func `the ledger's loss is an error, and its return says how long it was`() {
    let outage = LedgerOutage(log: log)
    outage.saw(.writable)
    outage.saw(.unavailable(.ledgerFull))
    outage.saw(.unavailable(.ledgerFull))
    outage.saw(.writable)
    #expect(said.count == 2)
    #expect(
      said[0] == "error the ledger cannot be written, nothing is let through: "
        + "--ledger-max-bytes is reached reason=\"--ledger-max-bytes is reached\"")
    #expect(said[1].hasPrefix("info the ledger is written again duration_seconds=0"))
  }

  private func left(_ connections: Int, _ requests: Int) -> DrainLog.Left {
    DrainLog.Left(connections: connections, requests: requests)
  }

  @Test func `a drain tells its beginning, who is left now and then, and its end`() {
    var drain = DrainLog(log: log)
    let start = MonotonicTime(nanoseconds: 5_000_000_000)
    drain.tick(now: start, left(9, 9))
    #expect(drain.next == nil)
    drain.begin(by: "SIGTERM", now: start, left(3, 12), timeout: .seconds(150))
    drain.tick(now: start + .seconds(9), left(3, 12))
    drain.tick(now: start + DrainLog.interval, left(2, 1))
    drain.tick(now: start + .seconds(11), left(2, 1))
    drain.end(isComplete: true, now: start + .milliseconds(12_500), left(0, 0))
    #expect(drain.next == nil)
    #expect(
      said == [
        "info SIGTERM: draining 3 connections with 12 requests, which may take "
          + "--drain-timeout 2m30s reason=SIGTERM connections=3 requests=12 "
          + "drain_timeout_seconds=150",
        "info 2 connections with 1 request left connections=2 requests=1 duration_seconds=10",
        "info everything has finished complete=true connections=0 requests=0 "
          + "duration_seconds=12.500",
      ])
  }

  @Test func `a drain that is cut says how many were`() {
    var drain = DrainLog(log: log)
    drain.begin(
      by: "SIGINT", now: MonotonicTime(nanoseconds: 0), left(3, 3), timeout: .seconds(1))
    drain.end(isComplete: false, now: MonotonicTime(nanoseconds: 1_000_000_000), left(1, 2))
    #expect(
      said.last == "error the drain was not over in --drain-timeout 1s: "
        + "1 connection with 2 requests are cut "
        + "complete=false connections=1 requests=2 duration_seconds=1")
  }
}
