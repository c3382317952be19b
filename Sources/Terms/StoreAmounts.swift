/// Amounts of several kinds of limits: tokens and dollars make no sum. Each in its kind's unit, money
/// in nano-dollars.
package struct StoreAmounts: Sendable, Equatable {
  private var amounts: [LimitKind: Int64] = [:]

  package init() {}

  package subscript(_ kind: LimitKind) -> Int64 { amounts[kind] ?? 0 }

  package var isZero: Bool { amounts.values.allSatisfy { $0 == 0 } }

  package mutating func add(_ amount: Int64, _ kind: LimitKind) {
    let (sum, overflow) = self[kind].addingReportingOverflow(amount)
    amounts[kind] = overflow ? (amount > 0 ? .max : .min) : sum
  }

  package mutating func add(_ other: StoreAmounts) {
    for (kind, amount) in other.amounts { add(amount, kind) }
  }

  /// As a record has them: `KIND/AMOUNT` each, in the order of the kinds.
  package var texts: [String] {
    LimitKind.allCases.filter { self[$0] != 0 }.map { "\($0.rawValue)/\(self[$0])" }
  }

  /// Reads what `texts` writes; nil where it is not that.
  package init?(texts: [String]) {
    for text in texts {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let kind = LimitKind(rawValue: String(parts[0])),
        let amount = Int64(parts[1]), amounts[kind] == nil
      else { return nil }
      amounts[kind] = amount
    }
    guard self.texts == texts else { return nil }
  }
}
