// The members that choose a model or a way out beside `model`.

extension RequestScanner {
  /// Expects the value of such a member. At the top level it may come once.
  mutating func expectGuarded(_ key: InspectedKey) {
    if scope == .top, isRepeated(key) { refuse(.duplicateKey(key)) }
    target = key
    isGuarded = true
  }

  /// Begins its value, or an element of the list that is its value.
  mutating func judgeGuarded(_ key: InspectedKey, _ kind: Kind) {
    if scope == .names {
      if kind == .string { return beginCapture() }
      return dropNames()
    }
    let isAbsent = kind == .null || key == .background && kind == .bool && literal == .false
    guard !isAbsent else { return ignore() }
    guard facts.guarded.count < limits.guardedMax else {
      refuse(.invalidValue(key))
      return ignore()
    }
    let places = (1..<nesting.depth).map { depth -> InspectedKey in
      scopes[depth] == .extraBody ? .extraBody : .parameters
    }
    facts.guarded.append(GuardedMember(key: key, places: places, isExact: targetIsExact))
    guard key.namesModels else { return ignore() }
    switch kind {
    case .string: beginCapture()
    case .array where nesting.depth < RequestScope.depthMax:
      listed = key
      pending = .names
      ignore()
    case .object, .array, .number, .bool, .null: dropNames()
    }
  }

  /// Ends the name of a model; nil for a value that is no name.
  mutating func settleGuarded(name: [UInt8]?) {
    isGuarded = false
    let last = facts.guarded.count - 1
    guard let name, facts.guarded[last].models?.count ?? 0 < limits.guardedMax else {
      return dropNames()
    }
    facts.guarded[last].models?.append(name)
  }

  /// Expects a name of the list that is open.
  mutating func expectName() {
    target = listed
    isGuarded = true
  }

  /// Stops looking at the value.
  mutating func ignore() {
    target = nil
    isGuarded = false
  }

  /// The value is not a name or a list of names.
  private mutating func dropNames() {
    facts.guarded[facts.guarded.count - 1].models = nil
    ignore()
  }
}
