import Testing

@testable import Bytes

@Suite struct DecimalDigitsTests {
  private func text(_ number: Int64, places: Int? = nil) -> String {
    var bytes = Array("=".utf8)
    if let places {
      DecimalDigits(number).append(to: &bytes, places: places)
    } else {
      DecimalDigits(number).append(to: &bytes)
    }
    return String(decoding: bytes.dropFirst(), as: UTF8.self)
  }

  @Test(arguments: [0, 1, 9, 10, 99, 100, 1_000, -1, -10, .max, .min] as [Int64])
  func `a number is written as Swift writes it`(_ number: Int64) {
    #expect(text(number) == "\(number)")
    #expect(DecimalDigits(number).count == "\(number)".utf8.count)
  }

  @Test(
    arguments: [
      (0, 9, "0"), (1, 9, "0.000000001"), (123_000, 9, "0.000123"), (1_500_000_000, 9, "1.5"),
      (-1_500_000_000, 9, "-1.5"), (12_000_000_000, 9, "12"), (10, 3, "0.01"), (1_000, 3, "1"),
      (5, 0, "5"), (100, 0, "100"), (.max, 9, "9223372036.854775807"),
      (.min, 9, "-9223372036.854775808"), (.max, 19, "0.9223372036854775807"),
    ] as [(Int64, Int, String)])
  func `a point goes where it belongs, and zeros behind it go`(
    _ amount: Int64, _ places: Int, _ expected: String
  ) {
    #expect(text(amount, places: places) == expected)
  }

  @Test func `all numbers of digits and of places keep their value`() {
    var number: Int64 = 1
    while number < .max / 10 {
      for amount in [number, number - 1, number * 7] {
        for places in 0...12 {
          let (whole, fraction) = amount.quotientAndRemainder(dividingBy: power(places))
          let written = text(amount, places: places).split(separator: ".")
          #expect(written.first.map(String.init) == "\(whole)")
          let digits = written.count > 1 ? String(written[1]) : ""
          let padded = digits + String(repeating: "0", count: places - digits.utf8.count)
          #expect(Int64(padded.isEmpty ? "0" : padded) == fraction)
        }
      }
      number *= 10
    }
  }

  private func power(_ places: Int) -> Int64 { (0..<places).reduce(1) { value, _ in value * 10 } }
}
