/// Times as RFC 3339 writes them.
enum Timestamp {
  /// Unix seconds of a date-time (RFC 3339, section 5.6); fractions are cut off, a leap second is the
  /// second after it. Nil for anything else.
  static func seconds(rfc3339 text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 64,
      let year = number(bytes, 0, 4), bytes[4] == UInt8(ascii: "-"),
      let month = number(bytes, 5, 2), bytes[7] == UInt8(ascii: "-"),
      let day = number(bytes, 8, 2), bytes[10] | 0x20 == UInt8(ascii: "t"),
      let hour = number(bytes, 11, 2), bytes[13] == UInt8(ascii: ":"),
      let minute = number(bytes, 14, 2), bytes[16] == UInt8(ascii: ":"),
      let second = number(bytes, 17, 2),
      (1...12).contains(month), (1...days(inMonth: month, ofYear: year)).contains(day),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    var at = 19
    if bytes[at] == UInt8(ascii: ".") {
      at += 1
      let first = at
      while at < bytes.count, isDigit(bytes[at]) { at += 1 }
      guard at > first, at < bytes.count else { return nil }
    }
    guard let offset = offsetSeconds(bytes, at) else { return nil }
    let days = days(beforeYear: year, month: month, day: day)
    return Int64(days * 86_400 + hour * 3_600 + minute * 60 + second - offset)
  }

  private static func offsetSeconds(_ bytes: [UInt8], _ at: Int) -> Int? {
    if bytes[at] | 0x20 == UInt8(ascii: "z") { return at + 1 == bytes.count ? 0 : nil }
    guard bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-"),
      bytes.count == at + 6, let hours = number(bytes, at + 1, 2),
      bytes[at + 3] == UInt8(ascii: ":"), let minutes = number(bytes, at + 4, 2),
      hours < 24, minutes < 60
    else { return nil }
    let seconds = hours * 3_600 + minutes * 60
    return bytes[at] == UInt8(ascii: "-") ? -seconds : seconds
  }

  /// Days from 1970-01-01 to this day of the Gregorian calendar.
  private static func days(beforeYear year: Int, month: Int, day: Int) -> Int {
    // Years begin in March, so that the leap day is the last.
    let marchYear = month > 2 ? year : year - 1
    let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func days(inMonth month: Int, ofYear year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
    var value = 0
    for at in start..<(start + count) {
      guard at < bytes.count, isDigit(bytes[at]) else { return nil }
      value = value * 10 + Int(bytes[at] - UInt8(ascii: "0"))
    }
    return value
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
