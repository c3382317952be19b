import Bytes

/// Encodes AnyValue and KeyValue of opentelemetry.proto.common.v1.
enum OTLPValue {
  /// An AnyValue with a `string_value`.
  static func string(_ text: String) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.field(1, text)
    return writer.bytes
  }

  /// An AnyValue with a `string_value` where the bytes are UTF-8, as proto3 requires, else with a
  /// `bytes_value`.
  static func text(_ bytes: [UInt8]) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.reserve(bytes.count + 8)
    writer.field(String(validating: bytes, as: UTF8.self) == nil ? 7 : 1, bytes)
    return writer.bytes
  }

  /// An AnyValue with a number as `double_value`, even where it is a whole number.
  static func double(_ text: String) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.double(4, Double(text) ?? .nan)
    return writer.bytes
  }

  /// A KeyValue; `value` is an encoded AnyValue.
  static func keyValue(_ key: String, _ value: [UInt8]) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.field(1, key)
    writer.field(2, value)
    return writer.bytes
  }

  /// An AnyValue with a JSON value; nil for null, which OTLP leaves out.
  static func any(_ value: JSONValue) -> [UInt8]? {
    var writer = ProtobufWriter()
    switch value {
    case .null: return nil
    case .bool(let value): writer.field(2, value ? 1 : 0)
    case .string(let text): writer.field(1, text)
    case .number(let text):
      if let value = Int64(text) {
        writer.field(3, UInt64(bitPattern: value))
      } else {
        writer.double(4, Double(text) ?? .nan)
      }
    case .array(let elements):
      var list = ProtobufWriter()
      // An element that is null is an AnyValue without a value, so that the others keep their
      // places.
      for element in elements { list.field(1, any(element) ?? []) }
      writer.field(5, list.bytes)
    case .object(let members):
      var list = ProtobufWriter()
      for member in members {
        if let value = any(member.value) { list.field(1, keyValue(member.name, value)) }
      }
      writer.field(6, list.bytes)
    }
    return writer.bytes
  }
}
