/// Converts nano-dollars to decimal dollars and back, exactly: nothing is rounded.
package enum Dollars {
  /// Decimal places of an amount.
  package static let places = 9

  /// The amount as a decimal number of dollars without trailing zeros: `0.000123`, `-1.5`, `12`.
  package static func text(_ nanodollars: Int64) -> String {
    FixedPoint.text(nanodollars, places: places)
  }

  /// Reads a decimal number of dollars. Nil where the text is not one, has more than nine decimal
  /// places, or does not fit in an `Int64` of nano-dollars.
  package static func nanodollars(_ text: String) -> Int64? {
    FixedPoint.amount(text, places: places)
  }

  /// A price in pico-dollars a token as dollars for a million tokens, exactly.
  package static func perMillionText(picodollars: Int64) -> String {
    FixedPoint.text(picodollars, places: 6)
  }
}
