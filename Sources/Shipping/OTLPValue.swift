import Bytes

// Encodes AnyValue and KeyValue of opentelemetry.proto.common.v1. The writer goes from a message's end
// to its beginning: of several fields the last is written first.
extension WireWriter {
  /// Writes a field that is the AnyValue of a record's value; null is an AnyValue without a value.
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

  /// Writes a field that is a KeyValue. A null value is left out, as OTLP has it.
  mutating func keyValue(_ field: Int, _ key: String, _ value: JSONValue) {
    if case .null = value { return }
    let end = mark
    self.value(2, value)
    text(1, key)
    close(field, since: end)
  }

  /// Writes a field that is a KeyValue with a number as `double_value`, even where it is a whole number.
  mutating func keyValue(_ field: Int, _ key: String, double number: String) {
    let end = mark
    double(4, Double(number) ?? .nan)
    close(2, since: end)
    text(1, key)
    close(field, since: end)
  }

  /// Writes a field that is an AnyValue with a `string_value` where the bytes are UTF-8, as proto3
  /// requires, else with a `bytes_value`.
  mutating func value(_ field: Int, text bytes: [UInt8]) {
    let end = mark
    self.field(String(validating: bytes, as: UTF8.self) == nil ? 7 : 1, bytes)
    close(field, since: end)
  }
}
