/// One HTTP/1.1 request, whole.
struct Request: Sendable {
  var method = ""
  /// The request target as it came, query included.
  var target = ""
  /// Names as they came, values without surrounding blanks, in order.
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

/// Why bytes are no request this server takes. The connection is answered and closed.
enum HTTPFault: Error {
  case malformed
  case headTooLarge
  case bodyTooLarge
  case notImplemented

  /// The status of the answer.
  var status: Int {
    switch self {
    case .malformed: 400
    case .headTooLarge: 431
    case .bodyTooLarge: 413
    case .notImplemented: 501
    }
  }
}
