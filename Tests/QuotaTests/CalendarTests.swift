import Foundation
import Terms
import Testing

@testable import Quota

/// Unix milliseconds of an RFC 3339 time.
func instant(_ text: String) -> Int64 {
  let formatter = ISO8601DateFormatter()
  return Int64(formatter.date(from: text)!.timeIntervalSince1970) * 1_000
}

struct CalendarTests {
  @Test(arguments: [
    // Clocks go forward on 8 March and back on 1 November 2026.
    (
      "month", "America/New_York", "2026-03-08T06:59:59Z", "2026-03-01T05:00:00Z",
      "2026-04-01T04:00:00Z"
    ),
    (
      "month", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T04:00:00Z",
      "2026-12-01T05:00:00Z"
    ),
    (
      "month", "America/New_York", "2026-11-01T03:59:59Z", "2026-10-01T04:00:00Z",
      "2026-11-01T04:00:00Z"
    ),
    (
      "day", "America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z",
      "2026-03-09T04:00:00Z"
    ),
    (
      "day", "America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z",
      "2026-11-02T05:00:00Z"
    ),
    (
      "week", "America/New_York", "2026-03-08T12:00:00Z", "2026-03-02T05:00:00Z",
      "2026-03-09T04:00:00Z"
    ),
    (
      "week", "America/New_York", "2026-11-01T12:00:00Z", "2026-10-26T04:00:00Z",
      "2026-11-02T05:00:00Z"
    ),
    // A Monday begins its week, a Sunday ends it; a week goes over the year's end.
    ("week", "UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
    ("week", "UTC", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
    ("week", "UTC", "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"),
    ("month", "UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
    ("day", "Asia/Kolkata", "2026-05-05T18:29:59Z", "2026-05-04T18:30:00Z", "2026-05-05T18:30:00Z"),
    // There was no midnight: the day began at 1:00.
    (
      "day", "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z",
      "2018-11-05T02:00:00Z"
    ),
    // The clock went from midnight back to 23:00: the old day had 25 hours.
    (
      "day", "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z",
      "2018-02-18T03:00:00Z"
    ),
  ])
  func `windows begin where the zone's calendar says`(
    unit: String, zone: String, now: String, start: String, end: String
  ) {
    let units: [String: CalendarUnit] = ["day": .day, "week": .week, "month": .month]
    var windows = CalendarWindows(timeZone: zone)
    let window = windows.current(units[unit]!, now: instant(now))
    #expect(window == CalendarWindow(start: instant(start), end: instant(end)))
  }

  @Test(arguments: [
    "America/New_York", "America/Sao_Paulo", "Europe/London", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Africa/Casablanca", "America/St_Johns", "Pacific/Auckland", "UTC",
  ])
  func `windows follow each other without gap or overlap for twenty years`(zone: String) {
    for unit in CalendarUnit.allCases {
      var windows = CalendarWindows(timeZone: zone)
      var window = windows.current(unit, now: instant("2010-01-01T00:00:00Z"))
      let last = instant("2030-01-01T00:00:00Z")
      while window.end < last {
        let next = windows.current(unit, now: window.end)
        #expect(next.start == window.end, "\(zone) \(unit)")
        #expect(windows.current(unit, now: next.end - 1) == next)
        window = next
      }
    }
  }

  @Test(arguments: [
    ("2026-03-07T12:00:00Z", "2026-04-01T04:00:00Z"),
    ("2026-10-31T12:00:00Z", "2026-11-01T04:00:00Z"),
    ("2026-11-01T12:00:00Z", "2026-12-01T05:00:00Z"),
  ])
  func `a month's budget in New York begins once anew, at the right instant`(
    from: String, reset: String
  ) {
    let desk = Desk([Limits.budget(.requests, 1, per: .month)], timeZone: "America/New_York")
    var admitted: [Int64] = []
    let (first, change) = (instant(from), instant(reset))
    var times = Array(stride(from: first, to: change + 2 * 86_400_000, by: 1_800_000))
    times += [change - 1, change, change + 1]
    for time in times.sorted() where desk.use(.stated(0, 0), at: time) { admitted.append(time) }
    #expect(admitted == [first, change])
  }

  @Test func `a late settlement of a past window changes nothing in the new one`() {
    let midnight = instant("2026-06-02T00:00:00Z")
    let desk = Desk([Limits.budget(.tokens, 100)])
    let late = desk.ask(.stated(50, 50), at: midnight - 1).held!
    let new = desk.ask(.stated(30, 30), at: midnight).held!
    let state = desk.states(at: midnight)
    let final = desk.settle(late, .used(.tokens(500, 500)), at: midnight + 1)
    #expect(final[0].window == midnight - 86_400_000)
    #expect(desk.states(at: midnight + 1)[0]["used"] == 0)
    #expect(desk.states(at: midnight + 1)[0]["reserved"] == state[0]["reserved"])
    #expect(desk.use(.stated(20, 20), at: midnight + 1))
    #expect(desk.ask(.stated(1, 0), at: midnight + 1).refusal != nil)
    _ = desk.settle(new, .used(.tokens(1, 1)), at: midnight + 2)
  }

  @Test(arguments: ["America/New_York", "Asia/Tokyo", "Pacific/Auckland"])
  func `a change of time zone gives nobody a second budget`(zone: String) {
    let rule = Limits.budget(.requests, 1, per: .month)
    let start = instant("2026-06-15T00:00:00Z")
    let desk = Desk([rule])
    #expect(desk.use(.stated(0, 0), at: start))
    desk.configure([rule], timeZone: zone, now: start)
    let times = stride(from: start, to: instant("2026-07-20T00:00:00Z"), by: 600_000)
    let admitted = times.filter { desk.use(.stated(0, 0), at: $0) }
    #expect(admitted.count == 1)
    #expect(abs(admitted[0] - instant("2026-07-01T00:00:00Z")) <= 13 * 3_600_000)
  }
}
