/// A header value of the form `value; name=value; name="value"` (RFC 9110, 5.6.6), as content-type
/// and content-disposition have it.
///
/// Read more strictly than most do, so that nobody can read it otherwise: unquoted values are
/// tokens, a quoted string escapes nothing but `"` and `\`, and no parameter is given twice.
package struct HeaderValue {
  /// One parameter. Its name is in lower case.
  package struct Parameter {
    package let name: [UInt8]
    /// Without quotes and escapes; case is kept.
    package fileprivate(set) var value: [UInt8] = []
    /// The quoted string had an escape: some parsers read a backslash as itself.
    package fileprivate(set) var hasEscapes = false

    /// Whether the name is the one given, or an extended or continued form of it (RFC 2231).
    package func isForm(of other: StaticString) -> Bool { name.span.starts(with: other) }
  }

  /// What stands in front of the parameters, in lower case.
  package private(set) var value: [UInt8] = []
  /// In their order; no two have the same name.
  package private(set) var parameters: [Parameter] = []

  private var index = 0

  /// Nil when the text is not of this form.
  package init?(_ text: Span<UInt8>) {
    skipSpace(text)
    value = token(text, or: UInt8(ascii: "/"))
    guard !value.isEmpty else { return nil }
    skipSpace(text)
    while index < text.count {
      guard text[index] == UInt8(ascii: ";") else { return nil }
      index += 1
      skipSpace(text)
      // An empty parameter, as of a semicolon at the end, says nothing.
      if index == text.count || text[index] == UInt8(ascii: ";") { continue }
      guard let parameter = parameter(text), self[parameter.name] == nil else { return nil }
      parameters.append(parameter)
      skipSpace(text)
    }
  }

  /// Where the value in front of the parameters stands, whatever those are: tokens and slashes, with
  /// spaces before and behind. Nil for anything else.
  package static func essence(of text: Span<UInt8>) -> Range<Int>? {
    var start = 0
    while start < text.count, isSpace(text[start]) { start += 1 }
    var end = start
    while end < text.count, isTokenByte(text[end]) || text[end] == UInt8(ascii: "/") { end += 1 }
    var next = end
    while next < text.count, isSpace(text[next]) { next += 1 }
    guard end > start, next == text.count || text[next] == UInt8(ascii: ";") else { return nil }
    return start..<end
  }

  /// The parameter of that name, in lower case.
  package subscript(name: [UInt8]) -> Parameter? {
    parameters.first { $0.name == name }
  }

  private mutating func skipSpace(_ text: Span<UInt8>) {
    while index < text.count, Self.isSpace(text[index]) { index += 1 }
  }

  /// A token (RFC 9110, 5.6.2), in lower case; with one more character, if need be.
  private mutating func token(_ text: Span<UInt8>, or extra: UInt8? = nil) -> [UInt8] {
    var token: [UInt8] = []
    while index < text.count, Self.isTokenByte(text[index]) || text[index] == extra {
      let byte = text[index]
      token.append(byte.lowercasedASCII)
      index += 1
    }
    return token
  }

  private mutating func parameter(_ text: Span<UInt8>) -> Parameter? {
    var parameter = Parameter(name: token(text))
    guard !parameter.name.isEmpty, index < text.count, text[index] == UInt8(ascii: "=") else {
      return nil
    }
    index += 1
    if index < text.count, text[index] == UInt8(ascii: "\"") {
      index += 1
      return readQuoted(text, into: &parameter) ? parameter : nil
    }
    let start = index
    while index < text.count, Self.isTokenByte(text[index]) { index += 1 }
    parameter.value.append(text.extracting(start..<index))
    return parameter.value.isEmpty ? nil : parameter
  }

  /// A quoted string (RFC 9110, 5.6.4) after its opening quote.
  private mutating func readQuoted(_ text: Span<UInt8>, into parameter: inout Parameter) -> Bool {
    while index < text.count {
      var byte = text[index]
      index += 1
      if byte == UInt8(ascii: "\"") { return true }
      if byte == UInt8(ascii: "\\") {
        guard index < text.count else { return false }
        byte = text[index]
        guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { return false }
        parameter.hasEscapes = true
        index += 1
      }
      parameter.value.append(byte)
    }
    return false
  }

  /// Space or tab (RFC 9110, 5.6.3).
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Whether the bytes are a token (RFC 9110, 5.6.2): one byte or more, as names and methods are.
  package static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy(isTokenByte)
  }

  /// Whether a token may hold the byte (RFC 9110, 5.6.2).
  package static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
      UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
      UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default:
      false
    }
  }
}
