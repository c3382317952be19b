/// Reads and writes sizes in bytes: Kubernetes' quantities and those of Tollgate's flags.
enum QuantityReading {
  private static let factors: [String: Double] = [
    "": 1, "Ki": 1024, "Mi": 1_048_576, "Gi": 1_073_741_824, "Ti": 1_099_511_627_776, "k": 1e3,
    "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3,
  ]

  /// A quantity of Kubernetes: `36Mi`, `1G`, `512`. Nil for any other text.
  static func bytes(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = Double(digits), let factor = factors[String(text.dropFirst(digits.count))]
    else { return nil }
    let value = number * factor
    return value < 9e18 ? Int64(value) : nil
  }

  /// A size as Tollgate's flags take it: `8GiB`, `64kB`, `65536`. Nil for any other text.
  static func flagBytes(_ text: String) -> Int64? {
    bytes(text.hasSuffix("B") ? String(text.dropLast()) : text)
  }

  /// A size for a message: `32 MiB`, `32769 bytes`.
  static func text(_ bytes: Int64) -> String {
    for (unit, name) in [(Int64(1) << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    where bytes >= unit && bytes % unit == 0 {
      return "\(bytes / unit) \(name)"
    }
    return "\(bytes) bytes"
  }
}
