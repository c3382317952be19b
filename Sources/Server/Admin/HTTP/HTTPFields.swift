/// The header fields of one request, as far as they matter here (RFC 9112, section 5).
struct HTTPFields {
  /// The Host field.
  private(set) var host: String?
  /// Whether there is `connection: close`.
  private(set) var closes = false
  private var contentLength: String?
  private var hasTransferEncoding = false

  /// Takes one field line.
  mutating func add(_ line: ArraySlice<UInt8>) throws(HTTPFault) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      throw .malformed("a header field has no colon")
    }
    // A space before the colon and folded lines are refused too: RFC 9112, sections 5.1 and 5.2.
    guard Self.isToken(line[..<colon]) else {
      throw .malformed("the name of a header field is not a token")
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
        throw .malformed("two different Content-Lengths")
      }
      guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
        throw .malformed("the Content-Length is not a number")
      }
      contentLength = value
    case "transfer-encoding":
      hasTransferEncoding = true
    default:
      break
    }
  }

  /// Refuses a request that has a body (RFC 9112, section 6). `isOld`: it is HTTP/1.0.
  func refuseContent(isOld: Bool) throws(HTTPFault) {
    if hasTransferEncoding {
      // With a Content-Length, or in HTTP/1.0, two readers may not agree where the request ends,
      // which is used for request smuggling.
      guard contentLength == nil, !isOld else {
        throw .malformed("a Transfer-Encoding with a Content-Length or in HTTP/1.0")
      }
      throw .contentNotTaken
    }
    if let contentLength, contentLength.utf8.contains(where: { $0 != UInt8(ascii: "0") }) {
      throw .contentNotTaken
    }
  }

  /// Whether the bytes are a token (RFC 9110, section 5.6.2).
  static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty
      && bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
    let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    var bytes = bytes.drop(while: isSpace)
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
