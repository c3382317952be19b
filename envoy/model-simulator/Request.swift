/// One HTTP/1.1 request.
struct Request: Sendable {
  var method = ""
  /// The request target as received, query included.
  var target = ""
  /// In the order received: names as received, values without surrounding blanks.
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
  var trailers: [(name: String, value: String)] = []
  /// Whether the connection may carry another request after this one (RFC 9112, section 9.3).
  var keepsAlive = true

  /// The target without its query.
  var path: String { String(target.prefix { $0 != "?" }) }

  /// The first value of a header; `name` in lower case.
  func header(_ name: String) -> String? {
    headers.first { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name }?.value
  }
}
