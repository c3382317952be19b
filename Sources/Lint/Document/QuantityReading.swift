import Bytes

/// Durations as Go, the Gateway API and protobuf's JSON write them: `1h30m`, `115s`, `0.25s`.
package enum DurationReading {
  private static let nanoseconds: [String: Double] = [
    "h": 3.6e12, "m": 6e10, "s": 1e9, "ms": 1e6, "us": 1e3, "µs": 1e3, "ns": 1,
  ]
  /// A thousand years: what is longer is none.
  private static let nanosecondsMax = 3.2e19 / 4

  package static func parse(_ text: String) -> Duration? {
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
  package static func text(_ duration: Duration) -> String {
    let milliseconds = duration.wholeMilliseconds
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}

/// Kubernetes' quantities (`36Mi`, `1G`, `512`), as whole bytes.
package enum QuantityReading {
  private static let factors: [String: Double] = [
    "": 1, "Ki": 1024, "Mi": 1_048_576, "Gi": 1_073_741_824, "Ti": 1_099_511_627_776, "k": 1e3,
    "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3,
  ]

  package static func bytes(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = Double(digits), let factor = factors[String(text.dropFirst(digits.count))]
    else { return nil }
    let value = number * factor
    return value < 9e18 ? Int64(value) : nil
  }

  /// A size as Tollgate's own flags have it: `8GiB`, `64kB`, `65536`.
  package static func flagBytes(_ text: String) -> Int64? {
    bytes(text.hasSuffix("B") ? String(text.dropLast()) : text)
  }

  /// `32 MiB`, `32768 bytes`
  package static func text(_ bytes: Int64) -> String {
    for (unit, name) in [(Int64(1) << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    where bytes >= unit && bytes % unit == 0 {
      return "\(bytes / unit) \(name)"
    }
    return "\(bytes) bytes"
  }
}
