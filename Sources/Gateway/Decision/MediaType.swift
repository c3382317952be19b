/// What a request's content-type says (RFC 9110, section 8.3).
enum MediaType: Equatable {
  case json
  case multipart
  case grpc
  case other

  /// `application/json` may carry `charset=utf-8` and nothing that contradicts it.
  init(_ value: Span<UInt8>) {
    var end = 0
    while end < value.count, value[end] != UInt8(ascii: ";") { end += 1 }
    var typeEnd = end
    while typeEnd > 0, Self.isSpace(value[typeEnd - 1]) { typeEnd -= 1 }
    let type = value.extracting(first: typeEnd)
    if Self.equals(type, "application/json") {
      self = Self.charsetIsUTF8(value.extracting(droppingFirst: end)) ? .json : .other
    } else if Self.equals(type, "multipart/form-data") {
      self = .multipart
    } else if Self.hasPrefix(type, "application/grpc") {
      self = .grpc
    } else {
      self = .other
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private static func equals(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
    text.count == word.utf8CodeUnitCount && hasPrefix(text, word)
  }

  /// Case does not matter in types; `word` is lowercase.
  private static func hasPrefix(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
    guard text.count >= word.utf8CodeUnitCount else { return false }
    // A StaticString's bytes live as long as the program.
    let start = unsafe word.utf8Start
    for index in 0..<word.utf8CodeUnitCount {
      let byte = text[index]
      let folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
      let wanted = unsafe start[index]
      guard folded == wanted else { return false }
    }
    return true
  }

  /// Whether the parameters name no charset, or UTF-8.
  private static func charsetIsUTF8(_ parameters: Span<UInt8>) -> Bool {
    var index = 0
    while index < parameters.count {
      while index < parameters.count,
        isSpace(parameters[index]) || parameters[index] == UInt8(ascii: ";")
      { index += 1 }
      let start = index
      while index < parameters.count, parameters[index] != UInt8(ascii: ";") { index += 1 }
      var end = index
      while end > start, isSpace(parameters[end - 1]) { end -= 1 }
      let parameter = parameters.extracting(start..<end)
      // Visible ASCII and spaces only: what else there is, some parsers strip like a space.
      for index in parameter.indices
      where !isSpace(parameter[index]) && (parameter[index] < 0x21 || parameter[index] > 0x7e) {
        return false
      }
      // `charset =` and `charset*=` are no charset here, but other parsers read them as one.
      guard hasPrefix(parameter, "charset") else { continue }
      if !equals(parameter, "charset=utf-8"), !equals(parameter, "charset=\"utf-8\"") {
        return false
      }
    }
    return true
  }
}
