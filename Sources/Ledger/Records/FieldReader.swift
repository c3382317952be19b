import Bytes
import Terms

/// Takes the members out of a JSON object one by one, by name; `finish` throws where one is left.
///
/// A method with `optional` in its name takes a member that may be `null`; the others throw
/// `wrongValue` for it. All but those with `IfPresent` or `WherePresent` throw `missing` where
/// there is no such member.
struct FieldReader {
  /// A member that was taken is nil.
  private var members: [JSONValue.Member?]
  /// The index where the next member is looked for first.
  private var next = 0

  /// `what` is the name that an error gives to a value that is not an object.
  init(_ value: JSONValue, _ what: String) throws(RecordProblem) {
    guard case .object(let members) = value else { throw .wrongValue(what) }
    // Not by converting the whole array, which would check each element's type at run time.
    self.members = members.map(Optional.some)
  }

  /// The member of that name.
  mutating func take(_ name: String) throws(RecordProblem) -> JSONValue {
    guard let value = takeIfPresent(name) else { throw .missing(name) }
    return value
  }

  /// The member of that name; nil where there is none. Fast where members are asked for in their
  /// order.
  mutating func takeIfPresent(_ name: String) -> JSONValue? {
    for step in 0..<members.count {
      let index = next + step < members.count ? next + step : next + step - members.count
      if let member = members[index], member.name == name {
        members[index] = nil
        next = index + 1
        return member.value
      }
    }
    return nil
  }

  /// All members that are left.
  mutating func takeRest() -> [JSONValue.Member] {
    defer { members = [] }
    return members.compactMap { $0 }
  }

  /// Throws `unknownField` where a member is left.
  func finish() throws(RecordProblem) {
    for case let member? in members { throw .unknownField(member.name) }
  }

  mutating func text(_ name: String) throws(RecordProblem) -> String {
    guard let text = try optionalText(name) else { throw .wrongValue(name) }
    return text
  }

  mutating func optionalText(_ name: String) throws(RecordProblem) -> String? {
    switch try take(name) {
    case .string(let text): text
    case .null: nil
    default: throw .wrongValue(name)
    }
  }

  /// Nil where the member is `null` or missing.
  mutating func textWherePresent(_ name: String) throws(RecordProblem) -> String? {
    switch takeIfPresent(name) {
    case nil, .null: nil
    case .string(let text): text
    default: throw .wrongValue(name)
    }
  }

  /// A text that must be one of the type's raw values.
  mutating func word<Word: RawRepresentable<String>>(
    _ name: String, _ type: Word.Type = Word.self
  ) throws(RecordProblem) -> Word {
    guard let word = Word(rawValue: try text(name)) else { throw .wrongValue(name) }
    return word
  }

  mutating func optionalWord<Word: RawRepresentable<String>>(
    _ name: String, _ type: Word.Type = Word.self
  ) throws(RecordProblem) -> Word? {
    guard let text = try optionalText(name) else { return nil }
    guard let word = Word(rawValue: text) else { throw .wrongValue(name) }
    return word
  }

  /// Nil where the member is `null` or missing.
  mutating func wordWherePresent<Word: RawRepresentable<String>>(
    _ name: String, _ type: Word.Type = Word.self
  ) throws(RecordProblem) -> Word? {
    guard let text = try textWherePresent(name) else { return nil }
    guard let word = Word(rawValue: text) else { throw .wrongValue(name) }
    return word
  }

  mutating func integer(_ name: String) throws(RecordProblem) -> Int64 {
    guard let value = try optionalInteger(name) else { throw .wrongValue(name) }
    return value
  }

  mutating func optionalInteger(_ name: String) throws(RecordProblem) -> Int64? {
    switch try take(name) {
    case .number(let text):
      guard let value = Int64(text) else { throw .wrongValue(name) }
      return value
    case .null: return nil
    default: throw .wrongValue(name)
    }
  }

  /// Nil where the member is `null` or missing.
  mutating func integerWherePresent(_ name: String) throws(RecordProblem) -> Int64? {
    switch takeIfPresent(name) {
    case nil, .null: return nil
    case .number(let text):
      guard let value = Int64(text) else { throw .wrongValue(name) }
      return value
    default: throw .wrongValue(name)
    }
  }

  mutating func optionalBool(_ name: String) throws(RecordProblem) -> Bool? {
    switch try take(name) {
    case .bool(let value): value
    case .null: nil
    default: throw .wrongValue(name)
    }
  }

  /// Nil where the member is `null` or missing.
  mutating func boolWherePresent(_ name: String) throws(RecordProblem) -> Bool? {
    switch takeIfPresent(name) {
    case nil, .null: nil
    case .bool(let value): value
    default: throw .wrongValue(name)
    }
  }

  /// A time as the ledger writes it, in Unix milliseconds.
  mutating func time(_ name: String) throws(RecordProblem) -> Int64 {
    guard let time = UTCTime.milliseconds(try text(name)) else { throw .wrongValue(name) }
    return time
  }

  /// Nil where the member is missing.
  mutating func timeWherePresent(_ name: String) throws(RecordProblem) -> Int64? {
    guard let text = try textWherePresent(name) else { return nil }
    guard let time = UTCTime.milliseconds(text) else { throw .wrongValue(name) }
    return time
  }

  mutating func digest(_ name: String) throws(RecordProblem) -> SHA256Digest {
    guard let digest = SHA256Digest(hex: try text(name)) else { throw .wrongValue(name) }
    return digest
  }

  /// A decimal number of dollars, in nano-dollars.
  mutating func optionalDollars(_ name: String) throws(RecordProblem) -> Int64? {
    switch try take(name) {
    case .number(let text):
      guard let value = Dollars.nanodollars(text) else { throw .wrongValue(name) }
      return value
    case .null: return nil
    default: throw .wrongValue(name)
    }
  }

  /// Nil where the member is missing.
  mutating func dollarsWherePresent(_ name: String) throws(RecordProblem) -> Int64? {
    guard let value = takeIfPresent(name) else { return nil }
    guard case .number(let text) = value, let nanodollars = Dollars.nanodollars(text) else {
      throw .wrongValue(name)
    }
    return nanodollars
  }

  mutating func integers(_ name: String) throws(RecordProblem) -> [Int64] {
    try integers(name, try array(name))
  }

  /// Empty where the member is missing.
  mutating func integersWherePresent(_ name: String) throws(RecordProblem) -> [Int64] {
    try integers(name, try arrayWherePresent(name))
  }

  private func integers(
    _ name: String, _ elements: [JSONValue]
  ) throws(RecordProblem) -> [Int64] {
    var integers: [Int64] = []
    for element in elements {
      guard case .number(let text) = element, let value = Int64(text) else {
        throw .wrongValue(name)
      }
      integers.append(value)
    }
    return integers
  }

  /// Empty where the member is missing.
  mutating func textsWherePresent(_ name: String) throws(RecordProblem) -> [String] {
    try textsIfPresent(name) ?? []
  }

  /// Nil where the member is missing.
  mutating func textsIfPresent(_ name: String) throws(RecordProblem) -> [String]? {
    guard let value = takeIfPresent(name) else { return nil }
    guard case .array(let elements) = value else { throw .wrongValue(name) }
    var texts: [String] = []
    for element in elements {
      guard case .string(let text) = element else { throw .wrongValue(name) }
      texts.append(text)
    }
    return texts
  }

  /// Empty where the member is missing.
  mutating func arrayWherePresent(_ name: String) throws(RecordProblem) -> [JSONValue] {
    switch takeIfPresent(name) {
    case nil: []
    case .array(let elements): elements
    default: throw .wrongValue(name)
    }
  }

  mutating func array(_ name: String) throws(RecordProblem) -> [JSONValue] {
    guard case .array(let elements) = try take(name) else { throw .wrongValue(name) }
    return elements
  }
}
