import Foundation
import Testing

@testable import Bytes

@Suite struct CivilDateTests {
  private static func parts(_ date: CivilDate) -> [Int64] { [date.year, date.month, date.day] }

  /// Foundation's calendar is Julian before 15 October 1582. What the Gregorian one has there is what it
  /// has four of its cycles of 400 years later.
  @Test func `days of all years are where Foundation's calendar has them`() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    let (firstGregorianDay, cycles) = (Int64(-141_427), Int64(4))
    // 365 is five times 73: every year is met on five days, and leap days shift them.
    for day in stride(from: CivilDate.daysMin, through: CivilDate.daysMax, by: 73) {
      let shift = day < firstGregorianDay ? cycles : 0
      let moment = Date(timeIntervalSince1970: TimeInterval((day + shift * 146_097) * 86_400))
      let found = calendar.dateComponents([.year, .month, .day], from: moment)
      let expected = [
        Int64(found.year ?? -1) - shift * 400, Int64(found.month ?? -1), Int64(found.day ?? -1),
      ]
      let date = CivilDate(daysSince1970: day)
      guard Self.parts(date) != expected else { continue }
      Issue.record("day \(day): \(Self.parts(date)), Foundation says \(expected)")
      return
    }
  }

  @Test func `each day follows the one before, over all years, and leads back to its number`() {
    var last = CivilDate(daysSince1970: CivilDate.daysMin)
    #expect(Self.parts(last) == [0, 1, 1])
    for day in (CivilDate.daysMin + 1)...CivilDate.daysMax {
      let date = CivilDate(daysSince1970: day)
      let isLeap = last.year % 4 == 0 && (last.year % 100 != 0 || last.year % 400 == 0)
      let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      let next: [Int64] =
        last.day < lengths[Int(last.month) - 1]
        ? [last.year, last.month, last.day + 1]
        : last.month < 12 ? [last.year, last.month + 1, 1] : [last.year + 1, 1, 1]
      guard date.year == next[0], date.month == next[1], date.day == next[2],
        date.daysSince1970 == day,
        CivilDate(year: date.year, month: date.month, day: date.day) == date
      else {
        Issue.record("day \(day): \(Self.parts(date)) after \(Self.parts(last))")
        return
      }
      last = date
    }
    #expect(Self.parts(last) == [9999, 12, 31])
  }

  @Test(
    arguments: [
      (Int64.min, [0, 1, 1]), (CivilDate.daysMin - 1, [0, 1, 1]), (CivilDate.daysMin, [0, 1, 1]),
      (0, [1970, 1, 1]), (-1, [1969, 12, 31]), (CivilDate.daysMax, [9999, 12, 31]),
      (CivilDate.daysMax + 1, [9999, 12, 31]), (Int64.max, [9999, 12, 31]),
    ] as [(Int64, [Int64])])
  func `outside of its years the nearest day is taken`(days: Int64, parts: [Int64]) {
    #expect(Self.parts(CivilDate(daysSince1970: days)) == parts)
  }

  @Test(
    arguments: [
      (-1, 12, 31), (10_000, 1, 1), (2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, 32),
      (2026, 2, 29), (2024, 2, 30), (2100, 2, 29), (2000, 2, 30), (2026, 4, 31), (2026, 11, 31),
      (.max, 1, 1), (.min, 1, 1), (2026, .max, 1), (2026, 1, .min),
    ] as [(Int64, Int64, Int64)])
  func `what no calendar has is no day`(year: Int64, month: Int64, day: Int64) {
    #expect(CivilDate(year: year, month: month, day: day) == nil)
  }

  @Test(
    arguments: [
      (0, 1, 1), (0, 2, 29), (2024, 2, 29), (2000, 2, 29), (1970, 1, 1), (9999, 12, 31),
    ] as [(Int64, Int64, Int64)])
  func `leap days and the first and last day are there`(
    year: Int64, month: Int64, day: Int64
  ) throws {
    let date = try #require(CivilDate(year: year, month: month, day: day))
    #expect(CivilDate(daysSince1970: date.daysSince1970) == date)
  }
}
