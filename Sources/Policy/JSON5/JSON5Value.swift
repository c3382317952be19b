/// One value of a JSON5 text, with the byte offset it begins at.
struct JSON5Value: Sendable {
  enum Kind: Sendable {
    case null
    case bool(Bool)
    case number(ExactDecimal)
    /// `Infinity`, `-Infinity`, `NaN`: JSON5 has them, no field of a policy does.
    case notFinite
    case string(String)
    case array([JSON5Value])
    case object([JSON5Member])
    /// A value that could not be read; its fault is already reported.
    case invalid
  }

  let kind: Kind
  let offset: Int

  /// What the value is, in the words of a message.
  var noun: String {
    switch kind {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .notFinite: "Infinity or NaN"
    case .string: "text"
    case .array: "a list"
    case .object: "an object"
    case .invalid: "unreadable"
    }
  }
}

/// One `key: value` of an object. An object keeps the first of two members with one key; the second
/// is a fault.
struct JSON5Member: Sendable {
  let key: String
  let keyOffset: Int
  let value: JSON5Value
}

/// What is wrong with a JSON5 text, where, and in what words.
struct JSON5Fault: Error, Equatable, Sendable {
  let offset: Int
  let message: String
  /// Where the fault refers to another place: the offset of that place, appended to the message.
  var elsewhere: Int?
  /// Whether what follows may have been misread, so that judging the values makes no sense.
  var breaksStructure = true
}
