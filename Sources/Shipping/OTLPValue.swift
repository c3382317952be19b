import Bytes

// opentelemetry.proto.common.v1's AnyValue and KeyValue. The writer goes from a message's end to its
// beginning: of several fields the last is written first.
extension WireWriter {
  /// A field that holds AnyValue: a record's value. Null, which has no AnyValue, is an empty one.
  mutating func value(_ field: Int, _ value: JSONValue) {
    let end = mark
    switch value {
    case .null: break
    case .bool(let value): self.field(2, value ? 1 : 0)
    case .string(let text): self.text(1, text)
    case .number(let text):
      if let value = Int64(text) {
        self.field(3, UInt64(bitPattern: value))
      } else {
        double(4, Double(text) ?? .nan)
      }
    case .array(let elements):
      let list = mark
      // An element that is null stays in its place: an AnyValue without a value.
      for element in elements.reversed() { self.value(1, element) }
      close(5, since: list)
    case .object(let members):
      let list = mark
      for member in members.reversed() { keyValue(1, member.name, member.value) }
      close(6, since: list)
    }
    close(field, since: end)
  }

  /// A field that holds KeyValue; OTLP leaves out what is null.
  mutating func keyValue(_ field: Int, _ key: String, _ value: JSONValue) {
    if case .null = value { return }
    let end = mark
    self.value(2, value)
    text(1, key)
    close(field, since: end)
  }

  /// A field that holds KeyValue with a number as `double_value`, whatever it is.
  mutating func keyValue(_ field: Int, _ key: String, double number: String) {
    let end = mark
    double(4, Double(number) ?? .nan)
    close(2, since: end)
    text(1, key)
    close(field, since: end)
  }

  /// A field that holds AnyValue: a text's bytes as `string_value` where they are UTF-8, which proto3
  /// asks for, else as `bytes_value`.
  mutating func value(_ field: Int, text bytes: [UInt8]) {
    let end = mark
    self.field(String(validating: bytes, as: UTF8.self) == nil ? 7 : 1, bytes)
    close(field, since: end)
  }
}
