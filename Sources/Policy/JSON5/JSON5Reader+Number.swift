extension JSON5Reader {
  /// Reads the number at this place exactly (spec.json5.org, section 6).
  mutating func number() -> JSON5Value.Kind {
    let start = at
    var number = ExactDecimal()
    if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") {
      number.isNegative = next == UInt8(ascii: "-")
      at += 1
      if let byte = next, byte == UInt8(ascii: "I") || byte == UInt8(ascii: "N") {
        let word = identifier(mayEscape: false)
        if word == "Infinity" || word == "NaN" { return .notFinite }
        return bad(start, "not a number")
      }
    }
    let isGood =
      next == UInt8(ascii: "0") && (second == UInt8(ascii: "x") || second == UInt8(ascii: "X"))
      ? hexDigits(into: &number) : decimal(into: &number)
    guard isGood, !continues else {
      return bad(start, "not a number; text is written in quotes")
    }
    guard at - start <= bounds.numberBytesMax else {
      return bad(start, "a number longer than \(bounds.numberBytesMax) characters (numberBytesMax)")
    }
    number.normalize()
    return .number(number)
  }

  private var second: UInt8? { at + 1 < bytes.count ? bytes[at + 1] : nil }

  /// Whether the number is followed by something that may not follow one: `12abc`, `1.2.3`, `01`.
  private var continues: Bool {
    switch next ?? 0 {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "$"),
      UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "\\"):
      true
    default: false
    }
  }

  private mutating func bad(_ start: Int, _ message: String) -> JSON5Value.Kind {
    while continues { at += 1 }
    fault(start, message, breaksStructure: false)
    return .invalid
  }

  private mutating func hexDigits(into number: inout ExactDecimal) -> Bool {
    at += 2
    let first = at
    while let byte = next, byte < 0x80,
      let digit = Character(Unicode.Scalar(byte)).hexDigitValue
    {
      number.append(digit: UInt64(digit), radix: 16)
      at += 1
    }
    return at > first
  }

  private mutating func decimal(into number: inout ExactDecimal) -> Bool {
    let first = at
    var digits = digits(into: &number)
    if digits > 1, bytes[first] == UInt8(ascii: "0") { return false }
    if next == UInt8(ascii: ".") {
      at += 1
      let fraction = self.digits(into: &number)
      number.exponent -= fraction
      digits += fraction
    }
    guard digits > 0 else { return false }
    guard next == UInt8(ascii: "e") || next == UInt8(ascii: "E") else { return true }
    at += 1
    let isNegative = next == UInt8(ascii: "-")
    if next == UInt8(ascii: "+") || isNegative { at += 1 }
    var power = ExactDecimal()
    guard self.digits(into: &power) > 0 else { return false }
    // Larger exponents count as 100,000: far beyond any field's range, and far below an overflow.
    let magnitude = power.isRounded ? 100_000 : Int(min(power.significand, 100_000))
    number.exponent += isNegative ? -magnitude : magnitude
    return true
  }

  private mutating func digits(into number: inout ExactDecimal) -> Int {
    let first = at
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      number.append(digit: UInt64(byte - UInt8(ascii: "0")))
      at += 1
    }
    return at - first
  }
}
