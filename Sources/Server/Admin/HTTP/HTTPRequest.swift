/// A request whose head has been read and found right. There is never a body.
package struct HTTPRequest: Equatable, Sendable {
  /// HEAD: the answer's body stays away.
  package var isHead = false
  /// As it was sent, with a slash at its start; nothing is decoded.
  package var path: String
  /// Behind the question mark, where there is one.
  package var query: String?
  /// Of the Host field, or of an absolute target, which wins: RFC 9112 section 3.2.2.
  package var authority: HTTPAuthority?
  /// Whether the peer wants the connection for another request.
  package var keepsAlive = true

  package init(path: String, query: String? = nil, authority: HTTPAuthority? = nil) {
    self.path = path
    self.query = query
    self.authority = authority
  }
}
