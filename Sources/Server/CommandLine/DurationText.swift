import Bytes

/// Durations as flags give them: `150s`, `2m`, `1h30m`, `500ms`, `30d`.
package enum DurationText {
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  /// The longest duration: 100 years of 365 days.
  private static let millisecondsMax: Int64 = 100 * 365 * 86_400_000

  /// Reads whole numbers with units, each unit at most once, larger ones first; nil for any other
  /// text.
  package static func parse(_ text: String) -> Duration? {
    var rest = text[...]
    var total: Int64 = 0
    var lastUnit = -1
    if rest.isEmpty { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let name = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(name.count)
      guard let number = Int64(digits), let unit = units.firstIndex(where: { $0.name == name }),
        unit > lastUnit
      else { return nil }
      lastUnit = unit
      let (product, overflow) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
      if overflow || product > millisecondsMax - total { return nil }
      total += product
    }
    return .milliseconds(total)
  }

  /// The text that `parse` reads as this duration, rounded down to milliseconds.
  package static func string(_ duration: Duration) -> String {
    var rest = duration.wholeNanoseconds / 1_000_000
    if rest == 0 { return "0s" }
    var text = ""
    for unit in units where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text
  }
}
