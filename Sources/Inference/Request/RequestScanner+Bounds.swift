// The bounds of the answer, and how many answers there are.

extension RequestScanner {
  /// The largest output bound, 2³¹ tokens, and the largest `n` or `best_of`.
  package static let boundMax = 1 << 31
  package static let choicesMax = 128

  /// A bound at the top level is judged once the model tells whether it is one of its own.
  mutating func noteBound(_ key: InspectedKey) {
    guard let index = key.boundIndex else { return }
    if isRepeated(key) || !targetIsExact { facts.bounds.readings[index].isRepeated = true }
  }

  /// Begins the value of a bound.
  mutating func judgeBound(_ key: InspectedKey, _ kind: Kind) {
    guard kind != .number, kind != .null else { return }
    target = nil
    note(nil, isUnreadable: true, of: key)
  }

  /// Ends the value of a bound that is null.
  mutating func settleBound(_ key: InspectedKey, _ range: Range<Int>) {
    guard scope == .top, let index = key.boundIndex else { return }
    facts.bounds.readings[index].range = range
  }

  /// Ends a value of the inspected member that is a number.
  mutating func settleInteger(end: Int) {
    guard let key = target else { return }
    target = nil
    switch (key, scope) {
    case (.n, .top), (.bestOf, .top):
      guard let value = integer.value(upTo: Self.choicesMax) else {
        return refuse(.invalidValue(key))
      }
      if key == .n { facts.n = value } else { facts.bestOf = value }
    case (.n, _), (.bestOf, _):
      let value = integer.value(upTo: Self.boundMax) ?? (integer.isPositive ? Self.choicesMax : 0)
      facts.choicesElsewhere = max(facts.choicesElsewhere, value)
    case (.maxToolCalls, _):
      let value = integer.value(upTo: Self.boundMax) ?? (integer.isPositive ? Self.boundMax : 0)
      facts.toolCalls = max(facts.toolCalls, value)
    default:
      let value = integer.value(upTo: Self.boundMax)
      note(value, isUnreadable: value == nil && integer.isPositive, of: key)
      settleBound(key, valueStart..<end)
    }
  }

  private mutating func note(_ tokens: Int?, isUnreadable: Bool, of key: InspectedKey) {
    guard scope == .top, let index = key.boundIndex else {
      facts.bounds.elsewhere = max(facts.bounds.elsewhere, tokens ?? 0)
      if isUnreadable { facts.bounds.isUnreadableElsewhere = true }
      return
    }
    var reading = facts.bounds.readings[index]
    if let tokens { reading.tokens = max(reading.tokens ?? 0, tokens) }
    if tokens == nil { reading.isInvalid = true }
    if isUnreadable { reading.isUnreadable = true }
    facts.bounds.readings[index] = reading
  }
}
