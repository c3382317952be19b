import Foundation
import Testing

@testable import Policy

@Suite struct TimestampTests {
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
    #expect(Timestamp.seconds(rfc3339: text) == seconds)
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
  ])
  func `anything else is no time`(text: String) {
    #expect(Timestamp.seconds(rfc3339: text) == nil)
  }

  @Test func `every day from 1900 to 2200 is where Foundation's calendar has it`() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    let first = try #require(Timestamp.seconds(rfc3339: "1900-01-01T00:00:00Z"))
    for day in stride(from: 0, to: 301 * 365, by: 7) {
      let seconds = first + Int64(day) * 86_400
      let parts = calendar.dateComponents(
        [.year, .month, .day], from: Date(timeIntervalSince1970: TimeInterval(seconds)))
      let text = [parts.month, parts.day].map { part in
        let digits = String(part ?? 0)
        return digits.utf8.count == 1 ? "0" + digits : digits
      }.joined(separator: "-")
      #expect(Timestamp.seconds(rfc3339: "\(parts.year ?? 0)-\(text)T00:00:00Z") == seconds)
    }
  }
}
