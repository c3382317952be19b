/// Moments as RFC 3339 writes them. Moments are milliseconds since 1970-01-01T00:00:00Z.
package enum UTCTime {
  /// 0000-01-01T00:00:00.000Z, the first moment with four digits of year.
  package static let millisecondsMin: Int64 = -62_167_219_200_000
  /// 9999-12-31T23:59:59.999Z, the last one.
  package static let millisecondsMax: Int64 = 253_402_300_799_999
  /// The longest text that is read as a moment.
  package static let textBytesMax = 64

  // MARK: Writing

  /// The 24 bytes of a moment in UTC, `2026-11-22T20:17:10.123Z`. One that has no four digits of year
  /// is written as the nearest that has.
  package static func text(_ milliseconds: Int64) -> [UInt8] {
    [UInt8](capacity: textBytes) { append(milliseconds, to: &$0) }
  }

  /// The length of what `text` writes.
  static let textBytes = 24

  /// Appends the same to bytes.
  package static func append(_ milliseconds: Int64, to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: textBytes) { append(milliseconds, to: &$0) }
  }

  static func append(_ milliseconds: Int64, to text: inout OutputSpan<UInt8>) {
    let moment = min(max(milliseconds, millisecondsMin), millisecondsMax)
    let days = floorDivide(moment, 86_400_000)
    let date = CivilDate(daysSince1970: days)
    let rest = Int(moment - days * 86_400_000)
    let (seconds, fraction) = rest.quotientAndRemainder(dividingBy: 1000)
    let year = Int(date.year)
    append(two: year / 100, to: &text)
    append(two: year % 100, to: &text)
    text.append(UInt8(ascii: "-"))
    append(two: Int(date.month), to: &text)
    text.append(UInt8(ascii: "-"))
    append(two: Int(date.day), to: &text)
    text.append(UInt8(ascii: "T"))
    append(two: seconds / 3600, to: &text)
    text.append(UInt8(ascii: ":"))
    append(two: seconds / 60 % 60, to: &text)
    text.append(UInt8(ascii: ":"))
    append(two: seconds % 60, to: &text)
    text.append(UInt8(ascii: "."))
    text.append(digit(fraction / 100))
    append(two: fraction % 100, to: &text)
    text.append(UInt8(ascii: "Z"))
  }

  /// The same as a string.
  package static func string(_ milliseconds: Int64) -> String {
    String(decoding: text(milliseconds), as: UTF8.self)
  }

  /// The same of nanoseconds since 1970, rounded down.
  package static func string(nanoseconds: Int64) -> String {
    string(floorDivide(nanoseconds, 1_000_000))
  }

  /// Without a fraction, of seconds since 1970: `2026-11-22T20:17:10Z`.
  package static func string(seconds: Int64) -> String {
    let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    let limit = seconds < 0 ? millisecondsMin : millisecondsMax
    return String(decoding: text(overflow ? limit : milliseconds).prefix(19), as: UTF8.self) + "Z"
  }

  /// The day of a moment in UTC, `2026-11-22`.
  package static func day(_ milliseconds: Int64) -> String {
    String(decoding: text(milliseconds).prefix(10), as: UTF8.self)
  }

  // MARK: Reading

  /// The moment of exactly such a text as `text` writes, from 1970 on; nil for any other.
  package static func milliseconds(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 24, bytes[10] == UInt8(ascii: "T"), bytes[19] == UInt8(ascii: "."),
      bytes[23] == UInt8(ascii: "Z"), let minutes = minutes(bytes), minutes >= 0,
      let second = number(bytes, 17, 2), second < 60, let fraction = number(bytes, 20, 3)
    else { return nil }
    return minutes * 60_000 + second * 1000 + fraction
  }

  /// The moment of an RFC 3339 date and time (section 5.6): any or no fraction, cut to milliseconds,
  /// `Z` or an offset; nil for any other text. A leap second counts as the second after it, and is
  /// there only before midnight in UTC. `earliest`: what is before it is no moment either.
  package static func moment(_ text: String, from earliest: Int64 = 0) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= textBytesMax, bytes[10] | 0x20 == UInt8(ascii: "t"),
      let local = minutes(bytes), let second = number(bytes, 17, 2), second <= 60
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
    guard let offset = offsetMinutes(bytes[at...]) else { return nil }
    let minutes = local - offset
    if second == 60, (minutes + 1) % 1440 != 0 { return nil }
    let moment = minutes * 60_000 + second * 1000 + fraction
    return (max(earliest, millisecondsMin)...millisecondsMax).contains(moment) ? moment : nil
  }

  /// The moment a day begins in UTC, `2026-11-22`, from 1970 on; nil for any other text.
  package static func dayStart(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 10, let date = date(bytes), date.daysSince1970 >= 0 else { return nil }
    return date.daysSince1970 * 86_400_000
  }

  /// Minutes since 1970 of `2026-11-22T20:17:`, the first 17 bytes.
  private static func minutes(_ bytes: [UInt8]) -> Int64? {
    guard let date = date(bytes), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      let hour = number(bytes, 11, 2), let minute = number(bytes, 14, 2), hour < 24, minute < 60
    else { return nil }
    return (date.daysSince1970 * 24 + hour) * 60 + minute
  }

  /// The ten bytes of a date.
  private static func date(_ bytes: [UInt8]) -> CivilDate? {
    guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      let year = number(bytes, 0, 4), let month = number(bytes, 5, 2),
      let day = number(bytes, 8, 2)
    else { return nil }
    return CivilDate(year: year, month: month, day: day)
  }

  /// `Z`, or `+01:30`.
  private static func offsetMinutes(_ text: ArraySlice<UInt8>) -> Int64? {
    let bytes = Array(text)
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

  /// The second that a moment is in, since 1970: rounded down.
  package static func seconds(_ milliseconds: Int64) -> Int64 { floorDivide(milliseconds, 1000) }

  // MARK: Digits

  @inline(__always)
  private static func append(two value: Int, to text: inout OutputSpan<UInt8>) {
    text.append(digit(value / 10))
    text.append(digit(value % 10))
  }

  @inline(__always)
  private static func digit(_ value: Int) -> UInt8 {
    UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)
  }

  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int64? {
    var value: Int64 = 0
    for at in start..<(start + count) {
      guard (0x30...0x39).contains(bytes[at]) else { return nil }
      value = value * 10 + Int64(bytes[at] - 0x30)
    }
    return value
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
