/// The number of a label value. Numbers are given out when a value is first met.
struct NameID: Hashable {
  let number: UInt32

  /// The value `none`: nobody was identified, or no model was chosen.
  static let none = NameID(number: 0)
  /// The value `other`: beyond a limit on the number of values or series.
  static let other = NameID(number: 1)
}

/// Label values and their numbers.
struct LabelNames {
  private var numbers: [String: NameID] = [:]
  private(set) var names = ["none", "other"]
  private let limit: Int

  init(limit: Int = MetricLimits.namesMax) { self.limit = limit }

  /// The number of a value, given out where it is new; `other` where there are too many.
  mutating func id(of name: String) -> NameID {
    if let known = numbers[name] { return known }
    guard names.count < limit else { return .other }
    let id = NameID(number: UInt32(names.count))
    names.append(name)
    numbers[name] = id
    return id
  }

  /// The number of a value that has been met; nil for any other.
  func known(_ name: String) -> NameID? { numbers[name] }

  subscript(_ id: NameID) -> String { names[Int(id.number)] }
}
