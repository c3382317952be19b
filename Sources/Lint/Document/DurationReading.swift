/// Reads and writes durations in the format of Go, of the Gateway API and of protobuf's JSON: `1h30m`,
/// `115s`, `0.25s`.
enum DurationReading {
  private static let nanoseconds: [String: Double] = [
    "h": 3.6e12, "m": 6e10, "s": 1e9, "ms": 1e6, "us": 1e3, "µs": 1e3, "ns": 1,
  ]
  /// The longest that is read, about 250 years: it must fit the Int64 of `Duration.nanoseconds`.
  private static let nanosecondsMax = 3.2e19 / 4

  /// Nil where the text is not a duration.
  static func parse(_ text: String) -> Duration? {
    if text == "0" { return .zero }
    var rest = text[...]
    var total = 0.0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let number = Double(digits), let factor = nanoseconds[String(unit)] else { return nil }
      total += number * factor
    }
    guard total <= nanosecondsMax else { return nil }
    return .nanoseconds(Int64(total))
  }

  /// `120s`, `1h30m`, `200ms`.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    if seconds == 0 { return milliseconds == 0 ? "0s" : "\(milliseconds)ms" }
    if milliseconds != 0 { return "\(seconds * 1000 + milliseconds)ms" }
    return "\(seconds)s"
  }
}
