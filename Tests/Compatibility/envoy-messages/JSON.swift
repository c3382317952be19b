import Bytes
import EnvoyAPI

/// Bytes in hexadecimal.
func hex(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// A JSON string of the bytes in `range`, in hexadecimal.
func quoted(_ bytes: [UInt8], _ range: Range<Int>) -> String { "\"\(hex(bytes[range]))\"" }

/// A JSON object; `members` are JSON already.
func object(_ members: [(String, String)]) -> String {
  "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
}

/// A JSON array; `elements` are JSON already.
func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

/// An error by name: which refusal it is, not where.
func failure(_ error: WireError) -> String {
  let name =
    switch error {
    case .truncated: "truncated"
    case .malformed: "malformed"
    case .wrongType: "wrongType"
    case .repeated: "repeated"
    case .outOfRange: "outOfRange"
    }
  return object([("error", "\"\(name)\"")])
}

/// A `HeaderMap` as name and value pairs in order.
func headers(_ bytes: [UInt8], _ map: Range<Int>) throws(WireError) -> String {
  var pairs: [String] = []
  try HeaderMap.forEach(in: bytes.span, map) { name, value in
    pairs.append(array([quoted(bytes, name), quoted(bytes, value)]))
  }
  return array(pairs)
}

/// A `Struct`, every value looked up by its name as the gateway does.
func structure(_ bytes: [UInt8], _ range: Range<Int>) throws(WireError) -> String {
  var members: [(String, String)] = []
  for name in try names(ofMap: 1, bytes, range) {
    guard let found = try StructFields.value(of: name, in: bytes.span, range) else { continue }
    members.append((hex(name), try value(bytes, found)))
  }
  return object(members)
}

/// A `Metadata`, every namespace looked up by its name.
func metadata(_ bytes: [UInt8], _ range: Range<Int>) throws(WireError) -> String {
  var members: [(String, String)] = []
  for name in try names(ofMap: 1, bytes, range) {
    guard let found = try Metadata.structure(of: name, in: bytes.span, range) else { continue }
    members.append((hex(name), try structure(bytes, found)))
  }
  return object(members)
}

/// The distinct keys of a map field, in order.
private func names(
  ofMap number: Int, _ bytes: [UInt8], _ range: Range<Int>
) throws(WireError) -> [[UInt8]] {
  var names: [[UInt8]] = []
  try StructFields.forEachEntry(ofMap: number, in: bytes.span, range) {
    (key, _) throws(WireError) in
    let name = Array(bytes[key])
    if !names.contains(name) { names.append(name) }
  }
  return names
}

private func value(_ bytes: [UInt8], _ content: StructValue) throws(WireError) -> String {
  switch content {
  case .null: return "null"
  case .number(let number): return object([("n", "\"\(number.bitPattern)\"")])
  case .string(let range): return object([("s", quoted(bytes, range))])
  case .bool(let bool): return object([("b", "\(bool)")])
  case .structure(let range): return object([("o", try structure(bytes, range))])
  case .list(let range):
    var elements: [String] = []
    var values = WireReader(range)
    while let element = try values.next(in: bytes.span) {
      guard element.number == 1 else { continue }
      let item = try StructValue(in: bytes.span, try element.content())
      elements.append(try value(bytes, item))
    }
    return object([("l", array(elements))])
  }
}
