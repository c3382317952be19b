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
    let name = line.extracting(0..<colon)
    let value = line.extracting(colon + 1..<line.count)
    if name.elementsEqual(ignoringCase: "content-disposition") {
      return takeDisposition(value)
    }
    if name.elementsEqual(ignoringCase: "content-transfer-encoding") {
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
}
