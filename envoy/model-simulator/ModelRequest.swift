import Bytes
import Foundation

/// What the answers need to know from a request's body.
struct ModelRequest: Sendable {
  var model = ""
  var stream = false
  var includeUsage = false
  /// The largest of the fields that bound the output tokens (`max_tokens` and its relatives).
  var outputBound: Int?
  /// `n`, the number of choices or images.
  var choices = 1
  /// How many inputs a request for embeddings, moderations or a rerank has.
  var inputs = 1
  /// The number of an embedding's dimensions.
  var dimensions = 8
  var base64 = false
  /// `response_format`, where it is a string.
  var format = ""
  /// One for every four bytes of the prompt's text, rounded up; of a form: one for every 1,000
  /// bytes.
  var promptTokens = 1

  /// Reads a JSON body; nil when it is not a JSON object.
  init?(json body: [UInt8]) {
    let rules = JSONReader.Rules(depthMax: 256, valuesMax: .max)
    guard case .object(let members)? = try? JSONValue(body, rules) else { return nil }
    func member(_ name: String) -> JSONValue? { members.last { $0.name == name }?.value }
    model = member("model")?.text ?? ""
    stream = member("stream") == .bool(true)
    if case .object(let options)? = member("stream_options") {
      includeUsage = options.last { $0.name == "include_usage" }?.value == .bool(true)
    }
    outputBound = ["max_completion_tokens", "max_output_tokens", "max_tokens"]
      .compactMap { member($0)?.integer }.max()
    choices = max(1, min(member("n")?.integer ?? 1, 128))
    dimensions = max(1, min(member("dimensions")?.integer ?? 8, 4096))
    base64 = member("encoding_format")?.text == "base64"
    format = member("response_format")?.text ?? ""
    // A list of numbers is one input, given as its tokens.
    if case .array(let values)? = member("documents") ?? member("input") {
      if case .number? = values.first { inputs = 1 } else { inputs = max(1, values.count) }
    }
    let said = ["messages", "prompt", "input", "system", "instructions", "query", "documents"]
      .reduce(0) { $0 + (member($1)?.textBytes ?? 0) }
    promptTokens = max(1, (said + 3) / 4)
  }

  /// Reads the text fields of a `multipart/form-data` body (RFC 7578), but not the file; nil when
  /// the content type names no boundary.
  init?(form body: [UInt8], contentType: String) {
    guard let mark = contentType.range(of: "boundary=") else { return nil }
    let boundary = contentType[mark.upperBound...].prefix { $0 != ";" }
      .trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
    guard !boundary.isEmpty else { return nil }
    let data = Data(body)
    let delimiter = Data("--\(boundary)".utf8)
    var start = data.startIndex
    while let next = data.range(of: delimiter, in: start..<data.endIndex) {
      let end = data.range(of: delimiter, in: next.upperBound..<data.endIndex)?.lowerBound
      take(part: data[next.upperBound..<(end ?? data.endIndex)])
      start = next.upperBound
    }
    promptTokens = max(1, body.count / 1000)
  }

  /// Reads one part of a form; ignores a part of another name.
  private mutating func take(part: Data) {
    guard let gap = part.range(of: Data("\r\n\r\n".utf8)) else { return }
    let head = String(decoding: part[..<gap.lowerBound], as: UTF8.self)
    guard let mark = head.range(of: "name=\"") else { return }
    let name = head[mark.upperBound...].prefix { $0 != "\"" }
    let value = part[gap.upperBound...].prefix(256)
    let text = String(decoding: value, as: UTF8.self).trimmingCharacters(in: .newlines)
    switch name {
    case "model": model = text
    case "stream": stream = text == "true"
    case "response_format": format = text
    default: break
    }
  }
}

extension JSONValue {
  fileprivate var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// Also of a number with a fraction of zero.
  fileprivate var integer: Int? {
    guard case .number(let text) = self else { return nil }
    return Int(text) ?? Double(text).flatMap(Int.init(exactly:))
  }

  /// How many bytes of text a value holds, nested ones included; a number (a token) counts as four.
  fileprivate var textBytes: Int {
    switch self {
    case .string(let text): text.utf8.count
    case .array(let values): values.reduce(0) { $0 + $1.textBytes }
    case .object(let members): members.reduce(0) { $0 + $1.value.textBytes }
    case .number: 4
    case .bool, .null: 0
    }
  }
}
