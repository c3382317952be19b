import Bytes

/// The headers of one part of a form, as far as they matter (RFC 7578, 4).
struct MultipartPart {
  private(set) var name: [UInt8]?
  /// A part with a file name is a file; its content is not read.
  private(set) var isFile = false
  private(set) var hasTransferEncoding = false

  /// Reads one header line, without its line end. False where it is no header line, or where parsers
  /// differ on what it says: a name given twice, escaped or in an extended form (`name*=`).
  mutating func take(line: Span<UInt8>) -> Bool {
    var colon = 0
    while colon < line.count, HeaderValue.isTokenByte(line[colon]) { colon += 1 }
    guard colon > 0, colon < line.count, line[colon] == UInt8(ascii: ":") else { return false }
    let value = line.extracting(colon + 1..<line.count)
    if Self.equal(line.extracting(0..<colon), "content-disposition") {
      return takeDisposition(value)
    }
    if Self.equal(line.extracting(0..<colon), "content-transfer-encoding") {
      hasTransferEncoding = true
    }
    return true
  }

  private mutating func takeDisposition(_ text: Span<UInt8>) -> Bool {
    guard name == nil, let header = HeaderValue(text), header.value == Array("form-data".utf8),
      header.parameters.count(where: { $0.isForm(of: "name") }) == 1,
      let parameter = header[Array("name".utf8)], !parameter.hasEscapes
    else { return false }
    name = parameter.value
    isFile = header.parameters.contains { $0.isForm(of: "filename") }
    return true
  }

  /// Whether they are the same without regard to ASCII case; `lower` is in lower case.
  private static func equal(_ name: Span<UInt8>, _ lower: String) -> Bool {
    guard name.count == lower.utf8.count else { return false }
    var index = 0
    for byte in lower.utf8 {
      let other = name[index]
      guard (UInt8(ascii: "A")...UInt8(ascii: "Z") ~= other ? other | 0x20 : other) == byte else {
        return false
      }
      index += 1
    }
    return true
  }
}
