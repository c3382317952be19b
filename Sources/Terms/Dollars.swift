/// Converts nano-dollars to decimal dollars and back, exactly: nothing is rounded.
package enum Dollars {
  private static let places = 9

  /// The amount as a decimal number of dollars without trailing zeros: `0.000123`, `-1.5`, `12`.
  package static func text(_ nanodollars: Int64) -> String {
    let magnitude = nanodollars.magnitude
    var text = (nanodollars < 0 ? "-" : "") + String(magnitude / 1_000_000_000)
    var fraction = String(magnitude % 1_000_000_000)
    if fraction == "0" { return text }
    fraction = String(repeating: "0", count: places - fraction.count) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    text += "." + fraction
    return text
  }

  /// Reads a decimal number of dollars. Nil where the text is not one, has more than nine decimal
  /// places, or does not fit in an `Int64` of nano-dollars.
  package static func nanodollars(_ text: String) -> Int64? {
    let isNegative = text.first == "-"
    let parts = text.dropFirst(isNegative ? 1 : 0)
      .split(separator: ".", omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? parts[1] : ""
    guard parts.count <= 2, parts.count == 1 || !fraction.isEmpty, !parts[0].isEmpty,
      fraction.utf8.count <= places,
      (parts[0] + fraction).utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    let zeros = String(repeating: "0", count: places - fraction.utf8.count)
    return Int64((isNegative ? "-" : "") + parts[0] + fraction + zeros)
  }
}
