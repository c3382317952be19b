import Foundation
import Testing

@testable import Bytes

@Suite struct UTCTimeTests {
  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2027-01-01T00:00:00Z", 1_798_761_600),
      ("2024-02-29T12:34:56Z", 1_709_210_096),
      ("2027-01-01t00:00:00z", 1_798_761_600), ("2027-01-01T02:00:00+02:00", 1_798_761_600),
      ("2026-12-31T18:30:00-05:30", 1_798_761_600), ("2027-01-01T00:00:00.999999Z", 1_798_761_600),
      ("2026-12-31T23:59:60Z", 1_798_761_600), ("0000-01-01T00:00:00Z", -62_167_219_200),
      ("9999-12-31T23:59:59Z", 253_402_300_799), ("2000-02-29T00:00:00-00:00", 951_782_400),
    ] as [(String, Int64)])
  func `a time is read to the second`(text: String, seconds: Int64) {
    #expect(Self.seconds(text) == seconds)
  }

  private static func seconds(_ text: String) -> Int64? {
    UTCTime.moment(text, from: UTCTime.millisecondsMin).map { UTCTime.seconds($0) }
  }

  @Test(arguments: [
    "", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01 00:00:00Z", "2027-13-01T00:00:00Z",
    "2027-00-01T00:00:00Z",
    "2027-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2027-04-31T00:00:00Z", "2027-01-00T00:00:00Z",
    "2027-01-01T24:00:00Z",
    "2027-01-01T00:60:00Z", "2027-01-01T00:00:61Z", "2027-01-01T00:00:00.Z",
    "2027-01-01T00:00:00.1", "2027-01-01T00:00:00+0200",
    "2027-01-01T00:00:00+24:00", "2027-01-01T00:00:00+02:60", "2027-01-01T00:00:00ZZ",
    "27-01-01T00:00:00Z", "2027-1-1T00:00:00Z",
    "2027-01-01T00:00:00+02:00 ", "+027-01-01T00:00:00Z",
    "2027-01-01T00:00:00.\(String(repeating: "0", count: 60))Z", "2027-01-01T00:00Z0000",
    // A leap second is the last one before midnight in UTC, and no other.
    "2027-01-01T00:00:60Z", "2026-12-31T12:30:60Z", "2026-12-31T23:59:60+01:00",
    "9999-12-31T23:59:59-00:01",
  ])
  func `anything else is no time`(text: String) {
    #expect(Self.seconds(text) == nil)
  }

  @Test func `every day from 1900 to 2200 is where Foundation's calendar has it`() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    let first = try #require(Self.seconds("1900-01-01T00:00:00Z"))
    for day in stride(from: 0, to: 301 * 365, by: 7) {
      let seconds = first + Int64(day) * 86_400
      let parts = calendar.dateComponents(
        [.year, .month, .day], from: Date(timeIntervalSince1970: TimeInterval(seconds)))
      let text = [parts.month, parts.day].map { part in
        let digits = String(part ?? 0)
        return digits.utf8.count == 1 ? "0" + digits : digits
      }.joined(separator: "-")
      #expect(Self.seconds("\(parts.year ?? 0)-\(text)T00:00:00Z") == seconds)
    }
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

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400_001, "2000-02-29T00:00:00.001Z"),
      (1_795_378_630_123, "2026-11-22T20:17:10.123Z"),
      (UTCTime.millisecondsMax, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func `Moments are written and read`(milliseconds: Int64, text: String) {
    #expect(String(decoding: UTCTime.text(milliseconds), as: UTF8.self) == text)
    #expect(UTCTime.milliseconds(text) == milliseconds)
  }

  @Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
    (951_827_696_789_000_000, "2000-02-29T12:34:56.789Z"),
    (1_795_378_630_123_999_999, "2026-11-22T20:17:10.123Z"),
    (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
  ])
  func `moments are written as RFC 3339 has them`(nanoseconds: Int64, text: String) {
    #expect(UTCTime.string(nanoseconds: nanoseconds) == text)
  }

  @Test func `a moment without four digits of year is written as the nearest that has`() {
    #expect(UTCTime.string(.max) == "9999-12-31T23:59:59.999Z")
    #expect(UTCTime.string(UTCTime.millisecondsMax + 1) == "9999-12-31T23:59:59.999Z")
    #expect(UTCTime.string(UTCTime.millisecondsMin) == "0000-01-01T00:00:00.000Z")
    #expect(UTCTime.string(UTCTime.millisecondsMin - 1) == "0000-01-01T00:00:00.000Z")
    #expect(UTCTime.string(.min) == "0000-01-01T00:00:00.000Z")
    #expect(UTCTime.string(seconds: .max) == "9999-12-31T23:59:59Z")
    #expect(UTCTime.string(seconds: .min) == "0000-01-01T00:00:00Z")
  }
}
