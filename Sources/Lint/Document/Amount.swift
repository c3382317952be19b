import Bytes

enum Amount {
  private static let timeUnits: [Substring: Double] = [
    "h": 3.6e12, "m": 6e10, "s": 1e9, "ms": 1e6, "us": 1e3, "µs": 1e3, "ns": 1,
  ]
  private static let byteUnits: [Substring: Double] = [
    "": 1, "Ki": 1024, "Mi": 1_048_576, "Gi": 1_073_741_824, "Ti": 1_099_511_627_776, "k": 1e3,
    "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3,
  ]
  /// The largest sum that is read: it must fit Int64. In nanoseconds about 250 years.
  private static let sumMax = 8e18

  /// A duration in the format of Go, of the Gateway API and of protobuf's JSON: `1h30m`, `115s`, `0.25s`.
  static func duration(_ text: String) -> Duration? {
    text == "0" ? .zero : sum(text, timeUnits).map { .nanoseconds($0) }
  }

  /// A quantity of Kubernetes: `36Mi`, `1G`, `512`.
  static func bytes(_ text: String) -> Int64? { sum(text, byteUnits, mostTerms: 1) }

  /// A size as Tollgate's flags take it: `8GiB`, `64kB`, `65536`.
  static func flagBytes(_ text: String) -> Int64? {
    bytes(text.hasSuffix("B") ? String(text.dropLast()) : text)
  }

  /// The sum of numbers, each with its unit; nil for any other text.
  private static func sum(
    _ text: String, _ units: [Substring: Double], mostTerms: Int = .max
  ) -> Int64? {
    var rest = text[...]
    var total = 0.0
    var terms = 0
    repeat {
      terms += 1
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      let unit = rest.dropFirst(digits.count).prefix(while: \.isLetter)
      rest = rest.dropFirst(digits.count + unit.count)
      guard terms <= mostTerms, let number = Double(digits), let factor = units[unit]
      else { return nil }
      total += number * factor
    } while !rest.isEmpty
    return total <= sumMax ? Int64(total) : nil
  }
}

extension Duration {
  /// For a message: `120s`, `200ms`.
  var text: String {
    let milliseconds = wholeMilliseconds
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}

extension Int64 {
  /// A size for a message: `32 MiB`, `32769 bytes`.
  var sizeText: String {
    for (unit, name) in [(Int64(1) << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    where self >= unit && self % unit == 0 {
      return "\(self / unit) \(name)"
    }
    return "\(self) bytes"
  }
}
