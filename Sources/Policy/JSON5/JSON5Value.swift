/// One value of a JSON5 text, with the byte offset at which it begins.
struct JSON5Value: Sendable {
  enum Kind: Sendable {
    case null
    case bool(Bool)
    case number(ExactDecimal)
    /// `Infinity`, `-Infinity` or `NaN`: valid JSON5, but no field of a policy takes them.
    case notFinite
    case string(String)
    case array([JSON5Value])
    case object([JSON5Member])
    /// A value with a syntax error, which has been reported.
    case invalid
  }

  let kind: Kind
  let offset: Int

  /// What kind of value it is, for a message.
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

/// One `key: value` of an object. Of two members with one key the object keeps the first; the second is
/// a fault.
struct JSON5Member: Sendable {
  let key: String
  let keyOffset: Int
  let value: JSON5Value
}

/// A syntax error in a JSON5 text: its byte offset and its message.
struct JSON5Fault: Error, Equatable, Sendable {
  let offset: Int
  let message: String
  /// The offset of a second place; its line and column are added to the message.
  var elsewhere: Int?
  /// Whether what follows may have been misread: then the values are not checked.
  var breaksStructure = true
}
