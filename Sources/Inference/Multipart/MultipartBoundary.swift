import Bytes

/// The boundary of a multipart/form-data body (RFC 2046, 5.1.1).
struct MultipartBoundary {
  /// RFC 2046: 1 to 70 characters.
  static let bytesMax = 70

  /// What is searched for: a line feed, two hyphens and the boundary. Whether a carriage return comes
  /// before it is checked once it is found.
  let pattern: [UInt8]

  /// The length of a delimiter: the pattern and the carriage return before it.
  var delimiterBytes: Int { pattern.count + 1 }

  /// Nil where the content-type is not multipart/form-data with one usable boundary.
  init?(contentType: Span<UInt8>) {
    guard let header = HeaderValue(contentType), header.value == Array("multipart/form-data".utf8),
      header.parameters.count(where: { $0.isForm(of: "boundary") }) == 1,
      header.parameters.allSatisfy(Self.leavesUTF8),
      let boundary = header[Array("boundary".utf8)]?.value,
      (1...Self.bytesMax).contains(boundary.count), boundary.last != 0x20,
      boundary.allSatisfy(Self.isBoundaryByte)
    else { return nil }
    pattern = Array("\n--".utf8) + boundary
  }

  /// Whether the parameter leaves the fields in UTF-8. Some servers decode names and values in the
  /// `charset` given here, and would find a `model` that this scanner did not see (`+AG0-odel` in
  /// UTF-7).
  private static func leavesUTF8(_ parameter: HeaderValue.Parameter) -> Bool {
    guard parameter.isForm(of: "charset") else { return true }
    let value = parameter.value.map { $0 | 0x20 }
    return parameter.name == Array("charset".utf8) && !parameter.hasEscapes
      && value == Array("utf-8".utf8)
  }

  /// `bchars` of RFC 2046, 5.1.1.
  private static func isBoundaryByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    case UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "+"),
      UInt8(ascii: "_"), UInt8(ascii: ","), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "?"),
      UInt8(ascii: " "):
      true
    default:
      false
    }
  }
}
