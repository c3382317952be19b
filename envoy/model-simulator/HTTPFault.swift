/// Why a request cannot be read. It is answered with `status`, then the connection is closed.
enum HTTPFault: Error {
  case malformed
  case headTooLarge
  case bodyTooLarge
  /// A transfer coding other than `chunked`.
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
