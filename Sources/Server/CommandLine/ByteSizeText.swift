/// Sizes as flags give them: `65536`, `64KiB`, `64MiB`, `2GiB`, or decimal `64kB`, `64MB`, `2GB`.
enum ByteSizeText {
  private static let units: [(name: String, bytes: Int)] = [
    ("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
  ]

  /// The bytes of a whole number with its unit; nil for any other text, and over 63 bits.
  static func parse(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let name = text.dropFirst(digits.count)
    guard let number = Int(digits), let unit = units.first(where: { $0.name == name }) else {
      return nil
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
    return overflow ? nil : bytes
  }

  /// The size in whole binary units, rounded down: for people.
  static func rounded(_ bytes: Int64) -> String {
    for unit in units[2...4].reversed() where bytes >= Int64(10 * unit.bytes) {
      return "\(bytes / Int64(unit.bytes)) \(unit.name)"
    }
    return "\(bytes) bytes"
  }

  /// The size in the largest binary unit that divides it.
  static func string(_ bytes: Int) -> String {
    for unit in units[2...4].reversed() where bytes >= unit.bytes && bytes % unit.bytes == 0 {
      return "\(bytes / unit.bytes)\(unit.name)"
    }
    return "\(bytes)"
  }
}
