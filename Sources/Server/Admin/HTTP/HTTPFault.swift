/// Why a request is answered with an error and its connection closed.
enum HTTPFault: Error, Equatable, Sendable {
  /// The request breaks a rule of RFC 9112; the text says which.
  case malformed(String)
  /// The header fields did not come in time.
  case timeout
  /// The method is not GET or HEAD: everything here is read-only.
  case methodNotAllowed
  /// The request has a body.
  case contentNotTaken
  case requestLineTooLong(limit: Int)
  case headTooLarge(limit: Int)
  case tooManyFields(limit: Int)
  /// The Host is a name that is not accepted here; see `AdminScope`.
  case misdirected
  case versionNotSupported

  /// The answer's status.
  var status: HTTPStatus {
    switch self {
    case .malformed: .badRequest
    case .timeout: .requestTimeout
    case .methodNotAllowed: .methodNotAllowed
    case .contentNotTaken: .contentTooLarge
    case .requestLineTooLong: .uriTooLong
    case .headTooLarge, .tooManyFields: .headerFieldsTooLarge
    case .misdirected: .misdirectedRequest
    case .versionNotSupported: .versionNotSupported
    }
  }

  /// The answer's text. It never holds what the peer sent.
  var message: String {
    switch self {
    case .malformed(let rule): "the request is not valid HTTP/1.1: \(rule)"
    case .timeout: "the request's header fields did not come in time"
    case .methodNotAllowed: "only GET and HEAD are allowed"
    case .contentNotTaken: "a request must not have a body"
    case .requestLineTooLong(let limit): "the request line has more than \(limit) bytes"
    case .headTooLarge(let limit): "the request has more than \(limit) bytes of header fields"
    case .tooManyFields(let limit): "the request has more than \(limit) header fields"
    case .misdirected:
      "the Host must be localhost or an IP address: no other name is accepted at this address"
    case .versionNotSupported: "only HTTP/1.1 and HTTP/1.0 are supported"
    }
  }

  /// The whole answer.
  var response: HTTPResponse {
    var response = HTTPResponse.error(status, message)
    if self == .methodNotAllowed { response.fields.append(("allow", "GET, HEAD")) }
    return response
  }
}
