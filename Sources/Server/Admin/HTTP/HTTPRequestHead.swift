import Bytes

/// Reads a request's lines: RFC 9112 sections 3 to 6 and 9.
enum HTTPRequestHead {
  /// `lines` without their ends; the first is the request line.
  static func parse(_ lines: [ArraySlice<UInt8>]) throws(HTTPFault) -> HTTPRequest {
    guard let first = lines.first else { preconditionFailure("a head has a first line") }
    let line = try requestLine(first)
    var fields = HTTPFields()
    for line in lines.dropFirst() { try fields.add(line) }
    guard line.method == "GET" || line.method == "HEAD" else { throw .methodNotAllowed }
    try fields.refuseContent(isOld: line.isOld)
    var request = try target(line.target)
    request.isHead = line.method == "HEAD"
    guard fields.host != nil || line.isOld else { throw .malformed("no Host") }
    if let text = fields.host {
      guard let authority = HTTPAuthority(text) else { throw .malformed("the Host is no host") }
      // An absolute target's own authority wins, whatever the Host says.
      request.authority = request.authority ?? authority
    }
    request.keepsAlive = !line.isOld && !fields.closes
    return request
  }

  private struct RequestLine {
    var method: String
    var target: ArraySlice<UInt8>
    /// HTTP/1.0: a connection for each request.
    var isOld: Bool
  }

  private static func requestLine(_ line: ArraySlice<UInt8>) throws(HTTPFault) -> RequestLine {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed("the request line has not three parts") }
    guard HeaderValue.isToken(parts[0]) else { throw .malformed("the method is no token") }
    let isOld = try isOldVersion(Array(parts[2]))
    guard !parts[1].isEmpty, parts[1].allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
      !parts[1].contains(UInt8(ascii: "#"))
    else { throw .malformed("the target is no URI") }
    return RequestLine(
      method: String(decoding: parts[0], as: UTF8.self), target: parts[1], isOld: isOld)
  }

  /// HTTP-version: RFC 9112 section 2.3. A higher minor version is as good as 1.1.
  private static func isOldVersion(_ text: [UInt8]) throws(HTTPFault) -> Bool {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard text.count == 8, text.starts(with: "HTTP/".utf8), digits.contains(text[5]),
      text[6] == UInt8(ascii: "."), digits.contains(text[7])
    else { throw .malformed("the version is none") }
    guard text[5] == UInt8(ascii: "1") else { throw .versionNotSupported }
    return text[7] == UInt8(ascii: "0")
  }

  /// origin-form, or absolute-form with `http`: RFC 9112 section 3.2.
  private static func target(_ bytes: ArraySlice<UInt8>) throws(HTTPFault) -> HTTPRequest {
    var text = Substring(decoding: bytes, as: UTF8.self)
    var authority: HTTPAuthority?
    let scheme = "http://"
    if text.prefix(scheme.count).lowercased() == scheme {
      text = text.dropFirst(scheme.count)
      let end = text.firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
      authority = HTTPAuthority(String(text[..<end]))
      guard let authority, !authority.host.isEmpty else {
        throw .malformed("the target's authority is none")
      }
      text = text[end...]
      if text.first != "/" { text = "/" + text }
    }
    guard text.first == "/" else { throw .malformed("the target is no path") }
    let question = text.firstIndex(of: "?")
    return HTTPRequest(
      path: String(text[..<(question ?? text.endIndex)]),
      query: question.map { String(text[text.index(after: $0)...]) }, authority: authority)
  }
}
