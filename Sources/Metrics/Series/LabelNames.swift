/// A label value's number: those of the policy's names are given out as they are met.
struct NameID: Hashable {
  let number: UInt32

  /// There is no such thing here: nobody was identified, no model was chosen.
  static let none = NameID(number: 0)
  /// There is one, and it is not named: beyond a limit of ours, or not the policy's.
  static let other = NameID(number: 1)
}

/// Label values and their numbers.
struct LabelNames {
  private var numbers: [String: NameID] = [:]
  private(set) var names = ["none", "other"]
  private let limit: Int

  init(limit: Int = MetricLimits.namesMax) { self.limit = limit }

  mutating func id(of name: String) -> NameID {
    if let known = numbers[name] { return known }
    guard names.count < limit else { return .other }
    let id = NameID(number: UInt32(names.count))
    names.append(name)
    numbers[name] = id
    return id
  }

  /// The number of a name that has been met.
  func known(_ name: String) -> NameID? { numbers[name] }

  subscript(_ id: NameID) -> String { names[Int(id.number)] }
}
