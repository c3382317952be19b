/// Reads the lines of a request's head (RFC 9112, sections 3 to 6 and 9).
enum HTTPRequestHead {
  /// The request in `lines`, which come without their ends; the first is the request line.
  static func parse(_ lines: [ArraySlice<UInt8>]) throws(HTTPFault) -> HTTPRequest {
    guard let first = lines.first else { preconditionFailure("a head has a first line") }
    let line = try requestLine(first)
    var fields = HTTPFields()
    for line in lines.dropFirst() { try fields.add(line) }
    guard line.method == "GET" || line.method == "HEAD" else { throw .methodNotAllowed }
    try fields.refuseContent(isOld: line.isOld)
    var request = try target(line.target)
    request.isHead = line.method == "HEAD"
    guard fields.host != nil || line.isOld else { throw .malformed("the Host is missing") }
    if let text = fields.host {
      guard let authority = HTTPAuthority(text) else { throw .malformed("the Host is not valid") }
      // The authority of an absolute target counts, whatever the Host says.
      request.authority = request.authority ?? authority
    }
    request.keepsAlive = !line.isOld && !fields.closes
    return request
  }

  private struct RequestLine {
    var method: String
    var target: ArraySlice<UInt8>
    /// HTTP/1.0: the connection is closed after each request.
    var isOld: Bool
  }

  private static func requestLine(_ line: ArraySlice<UInt8>) throws(HTTPFault) -> RequestLine {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed("the request line does not have three parts") }
    guard HTTPFields.isToken(parts[0]) else { throw .malformed("the method is not a token") }
    let isOld = try isOldVersion(Array(parts[2]))
    guard !parts[1].isEmpty, parts[1].allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
      !parts[1].contains(UInt8(ascii: "#"))
    else { throw .malformed("the target is not a URI") }
    return RequestLine(
      method: String(decoding: parts[0], as: UTF8.self), target: parts[1], isOld: isOld)
  }

  /// Whether the version is 1.0 (RFC 9112, section 2.3). A minor version above 1 is read as 1.1.
  private static func isOldVersion(_ text: [UInt8]) throws(HTTPFault) -> Bool {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard text.count == 8, text.starts(with: "HTTP/".utf8), digits.contains(text[5]),
      text[6] == UInt8(ascii: "."), digits.contains(text[7])
    else { throw .malformed("the version is not valid") }
    guard text[5] == UInt8(ascii: "1") else { throw .versionNotSupported }
    return text[7] == UInt8(ascii: "0")
  }

  /// Reads a target in origin-form, or in absolute-form with `http` (RFC 9112, section 3.2).
  private static func target(_ bytes: ArraySlice<UInt8>) throws(HTTPFault) -> HTTPRequest {
    var text = Substring(decoding: bytes, as: UTF8.self)
    var authority: HTTPAuthority?
    let scheme = "http://"
    if text.prefix(scheme.count).lowercased() == scheme {
      text = text.dropFirst(scheme.count)
      let end = text.firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
      authority = HTTPAuthority(String(text[..<end]))
      guard let authority, !authority.host.isEmpty else {
        throw .malformed("the target's host is not valid")
      }
      text = text[end...]
      if text.first != "/" { text = "/" + text }
    }
    guard text.first == "/" else { throw .malformed("the target is not a path") }
    let question = text.firstIndex(of: "?")
    return HTTPRequest(
      path: String(text[..<(question ?? text.endIndex)]),
      query: question.map { String(text[text.index(after: $0)...]) }, authority: authority)
  }
}
