import Bytes

/// The header fields that mean something here, of one request: RFC 9112 section 5.
struct HTTPFields {
  private(set) var host: String?
  /// `connection: close`.
  private(set) var closes = false
  private var contentLength: String?
  private var hasTransferEncoding = false

  /// Takes one field line.
  mutating func add(_ line: ArraySlice<UInt8>) throws(HTTPFault) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      throw .malformed("a header field has no colon")
    }
    // No space before the colon, no line folded: RFC 9112 sections 5.1 and 5.2.
    guard HeaderValue.isToken(line[..<colon]) else {
      throw .malformed("a header field's name is no token")
    }
    let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
    let value = Self.trimmed(line[(colon + 1)...])
    switch name {
    case "host":
      guard host == nil else { throw .malformed("more than one Host") }
      host = value
    case "connection":
      for option in value.split(separator: ",") {
        if Self.trimmed(ArraySlice(option.utf8)).lowercased() == "close" { closes = true }
      }
    case "content-length":
      guard contentLength == nil || contentLength == value else {
        throw .malformed("two Content-Lengths")
      }
      guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
        throw .malformed("the Content-Length is no number")
      }
      contentLength = value
    case "transfer-encoding":
      hasTransferEncoding = true
    default:
      break
    }
  }

  /// A request here has no body: RFC 9112 section 6.
  func refuseContent(isOld: Bool) throws(HTTPFault) {
    if hasTransferEncoding {
      // Both, or one that HTTP/1.0 does not know: two readers would cut the bytes differently.
      guard contentLength == nil, !isOld else {
        throw .malformed("a Transfer-Encoding that does not belong there")
      }
      throw .contentNotTaken
    }
    if let contentLength, contentLength.utf8.contains(where: { $0 != UInt8(ascii: "0") }) {
      throw .contentNotTaken
    }
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
    let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    var bytes = bytes.drop(while: isSpace)
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
