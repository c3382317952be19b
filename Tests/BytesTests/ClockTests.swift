import Testing

@testable import Bytes

@Suite struct ClockTests {
  @Test(
    arguments: [
      (.zero, 0, 0), (.nanoseconds(1), 1, 0), (.milliseconds(1), 1_000_000, 1),
      (.nanoseconds(999_999), 999_999, 0), (.seconds(3), 3_000_000_000, 3000),
      (.milliseconds(-1), -1_000_000, -1), (.nanoseconds(-999_999), -999_999, 0),
      (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 0, 0),
      (.nanoseconds(Int64.max), .max, 9_223_372_036_854), (.seconds(Int64.max), .max, .max),
      (.nanoseconds(Int64.min), .min, -9_223_372_036_854), (.seconds(Int64.min), .min, .min),
      // A tenth of a nanosecond past what an Int64 holds is cut off; a nanosecond past it is the end.
      (.nanoseconds(Int64.max) + .nanoseconds(1), .max, 9_223_372_036_854),
      (.nanoseconds(Int64.min) - .nanoseconds(1), .min, -9_223_372_036_854),
    ] as [(Duration, Int64, Int64)])
  func `durations are whole numbers, cut off and within their type`(
    duration: Duration, nanoseconds: Int64, milliseconds: Int64
  ) {
    #expect(duration.wholeNanoseconds == nanoseconds)
    #expect(duration.wholeMilliseconds == milliseconds)
  }

  @Test func `a monotonic time moves by durations and stops at never`() {
    let time = MonotonicTime(nanoseconds: 5)
    #expect(time + .nanoseconds(3) == MonotonicTime(nanoseconds: 8))
    #expect(time.advanced(byNanoseconds: -5) == MonotonicTime(nanoseconds: 0))
    #expect(time + .seconds(Int64.max) == .never)
    #expect(MonotonicTime.never + .nanoseconds(1) == .never)
    #expect(time < time + .nanoseconds(1))
    #expect(time + .seconds(1) - time == .seconds(1))
  }

  @Test(
    arguments: [(0, 0), (999, 0), (1000, 1), (-1, -1), (-1000, -1), (-1001, -2)]
      as [(Int64, Int64)])
  func `the second of a moment is rounded down`(milliseconds: Int64, seconds: Int64) {
    #expect(UnixTime(milliseconds: milliseconds).seconds == seconds)
  }

  @Test func `clocks run forward and agree with each other`() {
    let first = MonotonicTime.now
    #expect(MonotonicTime.now >= first)
    #expect(SystemClock.monotonicNanoseconds() >= first.nanoseconds)
    // After 2020, and what the two ways of asking say is the same minute.
    let wall = UnixTime.now()
    #expect(wall.seconds > 1_577_836_800)
    #expect(abs(SystemClock.wallNanoseconds() / 1_000_000 - wall.milliseconds) < 60_000)
  }
}
