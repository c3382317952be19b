/// What an answer used in units other than tokens. A unit that the answer does not name is nil.
package struct UsageUnits: Sendable, Equatable {
  /// The raw value is the unit's name in records.
  package enum Unit: String, Sendable, CaseIterable {
    /// Of audio.
    case seconds
    /// Cohere's for rerank.
    case searchUnits = "search_units"
    /// Pinecone's for rerank.
    case rerankUnits = "rerank_units"
  }

  /// In thousandths, so that parts of a second count: one place for each unit.
  private var amounts: (Int64?, Int64?, Int64?) = (nil, nil, nil)

  package init() {}

  /// The amount of a unit in thousandths of it.
  package subscript(unit: Unit) -> Int64? {
    get {
      switch unit {
      case .seconds: amounts.0
      case .searchUnits: amounts.1
      case .rerankUnits: amounts.2
      }
    }
    set {
      switch unit {
      case .seconds: amounts.0 = newValue
      case .searchUnits: amounts.1 = newValue
      case .rerankUnits: amounts.2 = newValue
      }
    }
  }

  package var isEmpty: Bool { Unit.allCases.allSatisfy { self[$0] == nil } }

  package static func == (left: Self, right: Self) -> Bool { left.amounts == right.amounts }

  // MARK: As text

  private static let places = 3

  /// An amount as a decimal number without trailing zeros: `11`, `0.25`.
  package static func text(_ thousandths: Int64) -> String {
    FixedPoint.text(thousandths, places: places)
  }

  /// Reads a decimal number, in thousandths. Nil where the text is not one that is 0 or more, has more
  /// than three decimal places, or does not fit.
  package static func thousandths(_ text: String) -> Int64? {
    text.first == "-" ? nil : FixedPoint.amount(text, places: places)
  }
}
