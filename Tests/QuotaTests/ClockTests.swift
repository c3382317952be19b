import Terms
import Testing

@testable import Quota

/// The clock is set, ahead or back: buckets go by the time that passes, calendar windows by the clock.
struct ClockTests {
  static let hour: Int64 = 3_600_000
  static let steps = [
    hour, -hour, 24 * hour, -24 * hour, 7 * 24 * hour, -7 * 24 * hour, 8_760 * hour, -8_760 * hour,
  ]
  static let start = instant("2026-06-10T12:00:00Z")

  @Test(arguments: steps)
  func `a bucket waits as long as it would have, to the millisecond`(step: Int64) {
    let desk = Desk([Limits.bucket(.requests, 60, per: hour)])
    var now = Self.start
    for _ in 0..<60 { #expect(desk.use(.stated(0, 0), at: now)) }
    now += 30_000
    desk.table.step(from: now, to: now + step)
    now += step
    #expect(
      desk.ask(.stated(0, 0), at: now).refusal?.failures[0].shortage.waitMilliseconds == 30_000)
    #expect(!desk.use(.stated(0, 0), at: now + 29_999))
    #expect(desk.use(.stated(0, 0), at: now + 30_000))
  }

  private let hour = ClockTests.hour

  @Test(arguments: steps, CalendarUnit.allCases)
  func `a window that was left early is found again with what was spent in it`(
    step: Int64, unit: CalendarUnit
  ) {
    let desk = Desk([Limits.budget(.requests, 2, per: unit)])
    let open = desk.ask(.stated(0, 0), at: Self.start).held!
    #expect(desk.use(.stated(0, 0), at: Self.start))
    #expect(!desk.use(.stated(0, 0), at: Self.start))
    desk.table.step(from: Self.start, to: Self.start + step)
    let away = Self.start + step
    var windows = CalendarWindows(timeZone: "UTC")
    let isSame = windows.current(unit, now: Self.start).contains(away)
    #expect(desk.use(.stated(0, 0), at: away) == !isSame, "not frozen")
    // What was open is settled in its own window, wherever the clock is.
    #expect(desk.settle(open, .used(.tokens(0, 0)), at: away + 1).map(\.amount) == [1])
    desk.table.step(from: away + 2, to: Self.start + 2)
    #expect(!desk.use(.stated(0, 0), at: Self.start + 2), "not given twice")
    #expect(desk.states(at: Self.start + 2).first?["used"] == 2)
    let next = windows.current(unit, now: Self.start).end
    #expect(desk.use(.stated(0, 0), at: next), "and it ends when it should")
  }

  @Test(arguments: steps)
  func `what was left is in the checkpoint, and the next process finds it`(step: Int64) throws {
    let desk = Desk([Limits.budget(.requests, 1, per: .day)])
    #expect(desk.use(.stated(0, 0), at: Self.start))
    // Between two processes nobody sees the step: the time of the last record is all there is.
    let away = Self.start + step
    let second = Desk(desk.set.rules)
    try second.table.restore(desk.states(at: Self.start))
    second.table.clockRuns(since: Self.start)
    if step < 0 {
      second.table.resume(after: Self.start, at: Self.start)
      second.table.step(from: Self.start, to: away)
    } else {
      second.table.resume(after: Self.start, at: away)
    }
    #expect(second.use(.stated(0, 0), at: away) == (step.magnitude > UInt64(12 * hour)))
    let third = Desk(desk.set.rules)
    try third.table.restore(second.states(at: away + 1))
    third.table.clockRuns(since: second.table.clockSinceMs)
    if step > 0 {
      third.table.resume(after: away + 1, at: away + 1)
      third.table.step(from: away + 1, to: Self.start + 2)
    } else {
      third.table.resume(after: away + 1, at: Self.start + 2)
    }
    #expect(!third.use(.stated(0, 0), at: Self.start + 2))
  }

  @Test func `what was used beyond a reservation of nothing is found again too`() {
    let desk = Desk([Limits.budget(.tokens, 10)])
    let open = desk.ask(.stated(0, 0), at: Self.start).held!
    let away = Self.start + 24 * hour
    desk.table.step(from: Self.start, to: away)
    #expect(desk.use(.stated(1, 0), at: away))
    _ = desk.settle(open, .used(.tokens(4, 6)), at: away)
    desk.table.step(from: away, to: Self.start)
    #expect(!desk.use(.stated(1, 0), at: Self.start))
  }

  @Test func `the last three windows are kept, and then they are over`() {
    let desk = Desk([Limits.budget(.requests, 9, per: .day)])
    let day = 24 * hour
    for index in 0..<6 {
      #expect(desk.use(.stated(0, 0), at: Self.start + Int64(index) * day))
      let fields = desk.states(at: Self.start + Int64(index) * day)[0].fields
      #expect(fields.count { $0.name.hasPrefix("used_") } == min(index, 3))
    }
    #expect(!desk.states(at: Self.start + 8 * day).isEmpty)
    #expect(desk.states(at: Self.start + 9 * day).isEmpty, "nothing of it is kept for ever")
  }

  @Test func `who was forgotten may be forgotten again, whatever the clock was`() {
    let desk = Desk([
      Limits.bucket(.requests, 1, per: 1_000, scope: .subject, subjectsMax: 1)
    ])
    let ahead = Self.start + 8_760 * hour
    #expect(desk.use(.stated(0, 0), .subject("x"), at: ahead))
    #expect(!desk.use(.stated(0, 0), .subject("y"), at: ahead))
    desk.table.step(from: ahead, to: Self.start)
    #expect(desk.use(.stated(0, 0), .subject("y"), at: Self.start + 1_000))
  }

  @Test func `a full limit forgets a counter that has windows of before only`() {
    let desk = Desk([
      Limits.budget(.requests, 1, per: .day, scope: .subject, subjectsMax: 1)
    ])
    #expect(desk.use(.stated(0, 0), .subject("x"), at: Self.start))
    #expect(!desk.use(.stated(0, 0), .subject("y"), at: Self.start))
    #expect(desk.use(.stated(0, 0), .subject("y"), at: Self.start + 24 * hour))
  }
}
