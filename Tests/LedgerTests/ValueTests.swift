import Ledger
import Testing

@Suite struct ClockAndTallyTests {
  @Test func `The ledger's time follows the wall clock and never runs backwards`() {
    var clock = LedgerClock(after: 1_000)
    var last: Int64 = 1_000
    for (wall, monotonic) in [(2_000, 0), (2_500, 500), (1_000, 600), (2_400, 700), (9_000, 800)] {
      let reading = clock.read(wallMs: Int64(wall), monotonicMs: Int64(monotonic))
      #expect(reading.timeMs >= last)
      last = reading.timeMs
    }
    #expect(last == 9_000)
  }

  @Test func `A step back and a step ahead of five seconds are jumps and less is none`() {
    var clock = LedgerClock(after: 0)
    #expect(clock.read(wallMs: 100_000, monotonicMs: 0).jump == nil)
    #expect(clock.read(wallMs: 105_099, monotonicMs: 100).jump == nil)
    #expect(
      clock.read(wallMs: 110_199, monotonicMs: 200).jump
        == ClockJump(wallMs: 110_199, jumpMs: 5_000))
    #expect(
      clock.read(wallMs: 110_198, monotonicMs: 200).jump == ClockJump(wallMs: 110_198, jumpMs: -1))
  }

  @Test func `A clock behind the last record is a jump at the start`() {
    var clock = LedgerClock(after: 50_000)
    let reading = clock.read(wallMs: 20_000, monotonicMs: 0)
    #expect(reading.timeMs == 50_000)
    #expect(reading.jump == ClockJump(wallMs: 20_000, jumpMs: -30_000))
  }

  @Test func `The eleventh refusal of a second is counted and not recorded`() {
    var tally = DenialTally()
    for index in 1...25 {
      let answer = tally.denied(tenant: "a", reason: "r", timeMs: 7_000 + Int64(index))
      #expect(answer.recordsSingly == (index <= 10))
      #expect(answer.due.isEmpty)
    }
    #expect(tally.denied(tenant: "a", reason: "other", timeMs: 7_999).recordsSingly)
    #expect(tally.denied(tenant: nil, reason: "r", timeMs: 7_999).recordsSingly)
    let next = tally.denied(tenant: "a", reason: "r", timeMs: 8_000)
    #expect(next.recordsSingly)
    #expect(next.due == [Denials(tenant: "a", reason: "r", count: 15, sinceMs: 7_000)])
    #expect(tally.flush(timeMs: 9_000).isEmpty)
  }

  @Test func `More pairs than can be told apart are counted as nobody's`() {
    var tally = DenialTally()
    for index in 0..<DenialTally.pairsMax {
      #expect(tally.denied(tenant: "t\(index)", reason: "r", timeMs: 0).recordsSingly)
    }
    #expect(!tally.denied(tenant: "one more", reason: "r", timeMs: 0).recordsSingly)
    #expect(!tally.denied(tenant: "another", reason: "r", timeMs: 0).recordsSingly)
    #expect(tally.drain() == [Denials(tenant: nil, reason: "r", count: 2, sinceMs: 0)])
  }

  @Test func `A moment is read as RFC 3339 has it`() {
    let second: Int64 = 1_795_403_830_000  // 2026-11-23T03:17:10Z
    for (text, milliseconds) in [
      ("2026-11-23T03:17:10Z", second), ("2026-11-23t03:17:10z", second),
      ("2026-11-23T03:17:10.5Z", second + 500), ("2026-11-23T03:17:10.1239Z", second + 123),
      ("2026-11-23T03:17:10.012345678Z", second + 12), ("2026-11-23T04:17:10+01:00", second),
      ("2026-11-22T21:47:10.25-05:30", second + 250), ("2026-11-23T03:17:10-00:00", second),
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01T01:00:00+01:00", 0),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("2017-01-01T00:59:60+01:00", 1_483_228_800_000),
      ("9999-12-31T23:59:59.999Z", UTCTime.millisecondsMax),
    ] {
      #expect(UTCTime.moment(text) == milliseconds, "\(text)")
    }
    for text in [
      "", "garbage", "2026-13-45", "2026-11-23", "2026-11-23T03:17:10", "2026-11-23T03:17Z",
      "2026-11-23 03:17:10Z", "2026-11-23T24:00:00Z", "2026-11-23T03:60:10Z",
      "2026-11-23T03:17:61Z", "2026-11-23T03:17:60Z", "2026-02-30T03:17:10Z",
      "2026-11-23T03:17:10.Z", "2026-11-23T03:17:10.5", "2026-11-23T03:17:10+1:00",
      "2026-11-23T03:17:10+0100", "2026-11-23T03:17:10+24:00", "2026-11-23T03:17:10+01:60",
      "2026-11-23T03:17:10ZZ", "2026-11-23T03:17:10Z ", "2026-11-23T03:17:10,5Z",
      "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
      "２026-11-23T03:17:10Z",
    ] {
      #expect(UTCTime.moment(text) == nil, "\(text)")
    }
  }
}
