/// A header value of the form `value; name=value; name="value"` (RFC 9110, 5.6.6), as content-type
/// and content-disposition have it.
///
/// Read more strictly than most do, so that nobody can read it otherwise: unquoted values are
/// tokens, a quoted string escapes nothing but `"` and `\`, and no parameter is given twice.
package struct HeaderValue {
  /// One parameter. Its name is in lower case.
  package struct Parameter {
    package let name: [UInt8]
    package fileprivate(set) var value: [UInt8] = []
    /// Some parsers read a backslash as itself.
    package fileprivate(set) var hasEscapes = false

    /// Whether the name is the one given, or an extended or continued form of it (RFC 2231).
    package func isForm(of other: StaticString) -> Bool {
      unsafe name.starts(
        with: UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }
  }

  /// What stands in front of the parameters, in lower case.
  package private(set) var value: [UInt8] = []
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

  package subscript(name: [UInt8]) -> Parameter? {
    parameters.first { $0.name == name }
  }

  private mutating func skipSpace(_ text: Span<UInt8>) {
    while index < text.count, text[index] == 0x20 || text[index] == 0x09 { index += 1 }
  }

  /// A token (RFC 9110, 5.6.2), in lower case; with one more character, if need be.
  private mutating func token(_ text: Span<UInt8>, or extra: UInt8? = nil) -> [UInt8] {
    var token: [UInt8] = []
    while index < text.count, Self.isTokenByte(text[index]) || text[index] == extra {
      let byte = text[index]
      token.append(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte)
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
