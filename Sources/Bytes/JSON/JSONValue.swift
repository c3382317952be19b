/// A JSON value as a tree. Numbers keep their text: money is not a floating-point number.
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([Member])

  package struct Member: Equatable, Sendable {
    package var name: String
    package var value: JSONValue

    package init(name: String, value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The one value of a JSON text.
  package init(_ bytes: [UInt8], _ rules: JSONReader.Rules) throws(JSONProblem) {
    var reader = JSONReader(bytes, rules)
    self = try JSONValue(&reader)
    try reader.finish()
  }

  /// The reader's next value. Recursive as deep as the reader's rules allow.
  package init(_ reader: inout JSONReader) throws(JSONProblem) {
    switch try reader.next() {
    case .null: self = .null
    case .bool(let flag): self = .bool(flag)
    case .number(let text): self = .number(text)
    case .string(let text): self = .string(text)
    case .array:
      var elements: [JSONValue] = []
      while try reader.nextElement() { elements.append(try JSONValue(&reader)) }
      self = .array(elements)
    case .object:
      var members: [Member] = []
      while let name = try reader.nextName() {
        members.append(Member(name: name, value: try JSONValue(&reader)))
      }
      self = .object(members)
    }
  }
}
