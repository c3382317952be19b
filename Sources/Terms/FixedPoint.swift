/// Whole numbers of a small unit as decimal numbers of a larger one, exactly: nothing is rounded.
enum FixedPoint {
  /// The amount without trailing zeros: `0.000123`, `-1.5`, `12`. `places`: the decimal places of the
  /// small unit.
  static func text(_ amount: Int64, places: Int) -> String {
    var digits = String(amount.magnitude)
    digits = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    var fraction = digits.suffix(places)
    while fraction.last == "0" { fraction.removeLast() }
    let whole = (amount < 0 ? "-" : "") + digits.dropLast(places)
    return fraction.isEmpty ? whole : whole + "." + fraction
  }

  /// Reads a decimal number. Nil where the text is not one, has more decimal places, or does not fit.
  static func amount(_ text: String, places: Int) -> Int64? {
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
