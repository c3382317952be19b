/// The share of a limit's amount at which somebody is told of its use (`warn_at`), in thousandths.
package struct WarningShare: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let thousandths: Int64

  /// All of the amount.
  package static let whole = WarningShare(thousandths: 1_000)
  package static let places = 3

  package init(thousandths: Int64) { self.thousandths = thousandths }

  /// Reads a decimal number from 0.001 to 1; nil for any other text.
  package init?(_ text: String) {
    guard let thousandths = FixedPoint.amount(text, places: Self.places),
      (1...Self.whole.thousandths).contains(thousandths)
    else { return nil }
    self.thousandths = thousandths
  }

  /// As a decimal number: `0.8`.
  package var description: String { FixedPoint.text(thousandths, places: Self.places) }

  package static func < (one: Self, other: Self) -> Bool { one.thousandths < other.thousandths }

  /// Whether `used` has come to this share of `amount`.
  package func isReached(_ used: Int64, of amount: Int64) -> Bool {
    Int128(used) * 1_000 >= Int128(amount) * Int128(thousandths)
  }
}
