import Bytes
import EnvoyAPI

/// A tree of fields, for looking at replies.
struct WireTree {
  let bytes: [UInt8]

  /// The contents of a length-delimited field, in order.
  func all(_ number: Int) -> [WireTree] {
    var reader = WireReader(0..<bytes.count)
    var result: [WireTree] = []
    while let field = try? reader.next(in: bytes.span) {
      if field.number == number, field.kind == .bytes {
        result.append(WireTree(bytes: Array(bytes[field.range])))
      }
    }
    return result
  }

  func at(_ path: Int...) -> WireTree? {
    var tree: WireTree? = self
    for number in path { tree = tree?.all(number).last }
    return tree
  }

  func number(_ number: Int) -> UInt64? {
    var reader = WireReader(0..<bytes.count)
    var result: UInt64?
    while let field = try? reader.next(in: bytes.span) {
      if field.number == number, field.kind == .varint { result = field.value }
    }
    return result
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// `Struct.fields` that are strings.
  var strings: [String: String] {
    var result: [String: String] = [:]
    for entry in all(1) {
      if let name = entry.at(1)?.text, let value = entry.at(2, 3)?.text { result[name] = value }
    }
    return result
  }

  /// `Struct.fields` that are numbers.
  var numbers: [String: Double] {
    var result: [String: Double] = [:]
    for entry in all(1) {
      guard let name = entry.at(1)?.text, let value = entry.at(2) else { continue }
      var reader = WireReader(0..<value.bytes.count)
      while let field = try? reader.next(in: value.bytes.span) {
        if field.number == 2, field.kind == .fixed64 {
          result[name] = Double(bitPattern: field.value)
        }
      }
    }
    return result
  }

  /// `HeaderValueOption`s in field `number`; every one must overwrite.
  func options(_ number: Int) -> [String: String] {
    var result: [String: String] = [:]
    for option in all(number) {
      guard let name = option.at(1, 1)?.text else { continue }
      precondition(option.number(3) == 2, "\(name) does not overwrite")
      result[name] = option.at(1, 3)?.text ?? option.at(1, 2)?.text ?? ""
    }
    return result
  }
}

/// A `ProcessingResponse` as these tests look at it.
struct ProcAnswer {
  let tree: WireTree
  init(_ bytes: [UInt8]) { tree = WireTree(bytes: bytes) }

  /// The member of the oneof: 1 to 7.
  var kind: Int? { (1...7).first { tree.at($0) != nil } }
  private var common: WireTree? {
    guard let kind, kind <= 4 else { return nil }
    return tree.at(kind, 1)
  }
  var set: [String: String] { common?.at(2)?.options(1) ?? [:] }
  var removed: Set<String> {
    Set((common?.at(2) ?? tree.at(5, 1) ?? WireTree(bytes: [])).all(2).map(\.text))
  }
  var clearsRoute: Bool { common?.number(5) == 1 }
  var body: String? { common?.at(3, 1)?.text }
  var streamed: String? { common?.at(3, 3).map { $0.at(1)?.text ?? "" } }
  var streamedEnd: Bool { common?.at(3, 3)?.number(2) == 1 }
  var immediateStatus: Int? { tree.at(7, 1)?.number(1).map(Int.init) }
  var immediateBody: String { tree.at(7, 3)?.text ?? "" }
  var immediateHeaders: [String: String] { tree.at(7, 2)?.options(1) ?? [:] }
  var grpcStatus: UInt64? { tree.at(7, 4)?.number(1) }
  var metadata: [String: String] {
    tree.at(8)?.all(1).first { $0.at(1)?.text == "tollgate" }?.at(2, 5)?.strings ?? [:]
  }
  var numbers: [String: Double] {
    tree.at(8)?.all(1).first { $0.at(1)?.text == "tollgate" }?.at(2, 5)?.numbers ?? [:]
  }
  /// `"code":"…"` of a refusal.
  var code: String? { Self.code(in: immediateBody) }

  static func code(in body: String) -> String? {
    guard let start = body.range(of: "\"code\":\"")?.upperBound,
      let end = body[start...].firstIndex(of: "\"")
    else { return nil }
    return String(body[start..<end])
  }
}

/// A `CheckResponse` as these tests look at it.
struct CheckAnswer {
  let tree: WireTree
  init(_ bytes: [UInt8]) { tree = WireTree(bytes: bytes) }

  var status: UInt64 { tree.at(1)?.number(1) ?? 0 }
  var isAllowed: Bool { status == 0 && tree.at(3) != nil }
  var set: [String: String] { tree.at(3)?.options(2) ?? [:] }
  var removed: Set<String> { Set(tree.at(3)?.all(5).map(\.text) ?? []) }
  /// `response_headers_to_add`.
  var onResponse: [String: String] { tree.at(3)?.options(6) ?? [:] }
  var deniedStatus: Int? { tree.at(2, 1)?.number(1).map(Int.init) }
  var deniedHeaders: [String: String] { tree.at(2)?.options(2) ?? [:] }
  var code: String? { ProcAnswer.code(in: tree.at(2, 3)?.text ?? "") }
  var metadata: [String: String] {
    tree.at(4)?.all(1).first { $0.at(1)?.text == "tollgate" }?.at(2, 5)?.strings ?? [:]
  }
}

extension String {
  /// The standard library has no search without Foundation.
  func range(of needle: String) -> Range<String.Index>? { firstRange(of: needle) }
}
