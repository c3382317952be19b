import Bytes
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
}
