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
    /// Searches that the provider made for the answer.
    case webSearches = "web_searches"
    case fileSearches = "file_searches"
    /// Pictures that were made.
    case images

    fileprivate var index: Int {
      switch self {
      case .seconds: 0
      case .searchUnits: 1
      case .rerankUnits: 2
      case .webSearches: 3
      case .fileSearches: 4
      case .images: 5
      }
    }
  }

  /// In thousandths, so that parts of a second count: one place for each unit, `unknown` where there is none.
  private var amounts = InlineArray<6, Int64>(repeating: unknown)
  private static let unknown: Int64 = -1

  package init() {}

  /// The amount of a unit in thousandths of it.
  package subscript(unit: Unit) -> Int64? {
    get {
      let amount = amounts[unit.index]
      return amount == Self.unknown ? nil : amount
    }
    set { amounts[unit.index] = newValue ?? Self.unknown }
  }

  /// Whether one of them says how large the answer was, as tokens do elsewhere; searches stand beside
  /// tokens.
  package var measureAnswer: Bool {
    [.seconds, .searchUnits, .rerankUnits, .images].contains { self[$0] != nil }
  }

  package var isEmpty: Bool { Unit.allCases.allSatisfy { self[$0] == nil } }

  package static func == (left: Self, right: Self) -> Bool {
    Unit.allCases.allSatisfy { left[$0] == right[$0] }
  }

  // MARK: As text

  /// Decimal places of an amount.
  package static let places = 3

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
