/// A request whose head was read and is valid. It never has a body.
package struct HTTPRequest: Equatable, Sendable {
  /// HEAD instead of GET: the answer has no body.
  package var isHead = false
  /// The path as it was sent, not decoded; it begins with a slash.
  package var path: String
  /// What is behind the question mark; nil where there is none.
  package var query: String?
  /// The host of an absolute target, or else of the Host field (RFC 9112, section 3.2.2).
  package var authority: HTTPAuthority?
  /// Whether the connection stays open for another request.
  package var keepsAlive = true

  /// A GET that keeps the connection open.
  package init(path: String, query: String? = nil, authority: HTTPAuthority? = nil) {
    self.path = path
    self.query = query
    self.authority = authority
  }
}
