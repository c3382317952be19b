/// The ledger's moments as text: RFC 3339 in UTC with milliseconds, `2026-11-22T20:17:10.123Z`.
package enum UTCTime {
  /// 9999-12-31T23:59:59.999Z, the last moment with four digits of year.
  package static let millisecondsMax: Int64 = 253_402_300_799_999

  /// The 24 bytes of a moment from 1970 on.
  package static func text(_ milliseconds: Int64) -> [UInt8] {
    precondition((0...millisecondsMax).contains(milliseconds), "a moment of this calendar")
    let (year, month, day) = date(daysSince1970: milliseconds / 86_400_000)
    let rest = milliseconds % 86_400_000
    var text: [UInt8] = []
    text.reserveCapacity(24)
    append(year, width: 4, to: &text)
    text.append(UInt8(ascii: "-"))
    append(month, width: 2, to: &text)
    text.append(UInt8(ascii: "-"))
    append(day, width: 2, to: &text)
    text.append(UInt8(ascii: "T"))
    append(rest / 3_600_000, width: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(rest / 60_000 % 60, width: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(rest / 1000 % 60, width: 2, to: &text)
    text.append(UInt8(ascii: "."))
    append(rest % 1000, width: 3, to: &text)
    text.append(UInt8(ascii: "Z"))
    return text
  }

  /// The moment of exactly such a text; nil for any other.
  package static func milliseconds(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 24, bytes[10] == UInt8(ascii: "T"), bytes[19] == UInt8(ascii: "."),
      bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      bytes[23] == UInt8(ascii: "Z"), let days = days(bytes), let hour = number(bytes, 11, 2),
      let minute = number(bytes, 14, 2), let second = number(bytes, 17, 2),
      let fraction = number(bytes, 20, 3), hour < 24, minute < 60, second < 60
    else { return nil }
    return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
  }

  /// The moment of an RFC 3339 date and time (section 5.6) from 1970 on: any or no fraction, cut to
  /// milliseconds, `Z` or an offset; nil for any other text. A leap second counts as the next one.
  package static func moment(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes[10] | 0x20 == UInt8(ascii: "t"),
      bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      let days = days(bytes), let hour = number(bytes, 11, 2), let minute = number(bytes, 14, 2),
      let second = number(bytes, 17, 2), hour < 24, minute < 60, second <= 60
    else { return nil }
    var at = 19
    var fraction: Int64 = 0
    if bytes[at] == UInt8(ascii: ".") {
      let digits = bytes[(at + 1)...].prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { return nil }
      let three = Array(digits.prefix(3) + [0x30, 0x30]).prefix(3)
      fraction = number(Array(three), 0, 3) ?? 0
      at = digits.endIndex
    }
    guard let offset = offsetMinutes(Array(bytes[at...])) else { return nil }
    let minutes = (days * 24 + hour) * 60 + minute - offset
    // A second 60 is there only before midnight in UTC.
    if second == 60, (minutes + 1) % 1440 != 0 { return nil }
    let moment = minutes * 60_000 + second * 1000 + fraction
    return (0...millisecondsMax).contains(moment) ? moment : nil
  }

  /// `Z`, or `+01:30`.
  private static func offsetMinutes(_ bytes: [UInt8]) -> Int64? {
    if bytes.count == 1 { return bytes[0] | 0x20 == UInt8(ascii: "z") ? 0 : nil }
    guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"), let hours = number(bytes, 1, 2),
      let minutes = number(bytes, 4, 2), hours < 24, minutes < 60
    else { return nil }
    switch bytes[0] {
    case UInt8(ascii: "+"): return hours * 60 + minutes
    case UInt8(ascii: "-"): return -(hours * 60 + minutes)
    default: return nil
    }
  }

  /// The moment a day begins, `2026-11-22`; nil for any other text.
  package static func dayStart(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 10 else { return nil }
    return days(bytes).map { $0 * 86_400_000 }
  }

  /// `2026-11-22`.
  package static func day(_ milliseconds: Int64) -> String {
    String(decoding: text(milliseconds).prefix(10), as: UTF8.self)
  }

  /// Days since 1970 of the ten bytes of a date.
  private static func days(_ bytes: [UInt8]) -> Int64? {
    guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      let year = number(bytes, 0, 4), let month = number(bytes, 5, 2),
      let day = number(bytes, 8, 2), year >= 1970, (1...12).contains(month), day >= 1
    else { return nil }
    let days = daysSince1970(year: year, month: month, day: day)
    // A day that its month does not have comes back as another.
    return date(daysSince1970: days) == (year, month, day) ? days : nil
  }

  /// The proleptic Gregorian calendar in eras of 400 years that begin in March.
  private static func date(daysSince1970 days: Int64) -> (Int64, Int64, Int64) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * marchMonth + 2) / 5 + 1
    )
  }

  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let marchYear = month > 2 ? year : year - 1
    let era = marchYear / 400
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func append(_ value: Int64, width: Int, to text: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    while divisor > 0 {
      text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }

  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int64? {
    var value: Int64 = 0
    for at in start..<(start + count) {
      guard (0x30...0x39).contains(bytes[at]) else { return nil }
      value = value * 10 + Int64(bytes[at] - 0x30)
    }
    return value
  }
}
