import Bytes
import Ledger
import Testing

@Suite struct LedgerClockTests {
  private static let hour: Int64 = 3_600_000
  static let steps = [
    1_001, -1_001, hour, -hour, 24 * hour, -24 * hour, 8_760 * hour, -8_760 * hour,
  ]

  @Test func `Time is the wall clock's at the start plus what has passed since`() {
    var clock = LedgerClock(after: 1_000)
    #expect(clock.read(wallMs: 50_000, monotonicMs: 7).timeMs == 50_000)
    for (wall, passed) in [(50_500, 500), (51_500, 500), (50_300, 1_300), (60_000, 10_000)] {
      let reading = clock.read(wallMs: Int64(wall), monotonicMs: 7 + Int64(passed))
      #expect(reading.timeMs == 50_000 + Int64(passed))
      #expect(reading.jump == nil, "a second is no step")
    }
  }

  @Test(arguments: steps)
  func `A wall clock more than a second away is believed when it is recorded`(step: Int64) {
    let start: Int64 = 1_790_000_000_000
    var clock = LedgerClock(after: start - 5)
    #expect(clock.read(wallMs: start, monotonicMs: 0).jump == nil)
    let jump = ClockJump(fromMs: start + 90, wallMs: start + 90 + step)
    for _ in 0..<2 {
      let reading = clock.read(wallMs: start + 90 + step, monotonicMs: 90)
      #expect(reading.timeMs == start + 90, "not before it is believed")
      #expect(reading.jump == jump)
      #expect(reading.jump?.jumpMs == step)
    }
    clock.believe(jump, monotonicMs: 90)
    let reading = clock.read(wallMs: start + 100 + step, monotonicMs: 100)
    #expect(reading.timeMs == start + 100 + step)
    #expect(reading.jump == nil)
  }

  @Test(arguments: [1, 999, 3_600_000, 31_536_000_000] as [Int64])
  func `At a start any step back is one, and none ahead is`(step: Int64) {
    let last: Int64 = 1_790_000_000_000
    var ahead = LedgerClock(after: last)
    let reading = ahead.read(wallMs: last + step, monotonicMs: 0)
    #expect(reading.timeMs == last + step)
    #expect(reading.jump == nil)
    var back = LedgerClock(after: last)
    for passed in [0, 10] as [Int64] {
      let reading = back.read(wallMs: last - step, monotonicMs: passed)
      #expect(reading.timeMs == last + passed)
      #expect(reading.jump == ClockJump(fromMs: last + passed, wallMs: last - step))
    }
  }

  @Test func `A step whose record was lost is found again`() {
    var clock = LedgerClock(after: 0)
    _ = clock.read(wallMs: 100_000, monotonicMs: 0)
    clock.believe(ClockJump(fromMs: 100_000, wallMs: 99_500), monotonicMs: 0)
    clock.resume(at: 100_000, monotonicMs: 0)
    let reading = clock.read(wallMs: 99_500, monotonicMs: 0)
    #expect(reading.timeMs == 100_000)
    #expect(reading.jump == ClockJump(fromMs: 100_000, wallMs: 99_500))
  }

  @Test func `Clocks may say anything`() {
    for wall in [Int64.min, -1, 0, .max] {
      for monotonic in [Int64.min, -1, 0, .max] {
        var clock = LedgerClock(after: 5)
        _ = clock.read(wallMs: 1_000, monotonicMs: 0)
        let reading = clock.read(wallMs: wall, monotonicMs: monotonic)
        #expect((0...UTCTime.millisecondsMax).contains(reading.timeMs))
        if let jump = reading.jump { clock.believe(jump, monotonicMs: monotonic) }
        _ = clock.read(wallMs: 1_000, monotonicMs: monotonic)
      }
    }
  }
}
