/// Why a request is answered with an error and its connection closed.
package enum HTTPFault: Error, Equatable, Sendable {
  /// Not HTTP/1.1 as RFC 9112 has it; the text says which rule.
  case malformed(String)
  /// The header fields did not come in time.
  case timeout
  /// Only GET and HEAD are there: this is read-only.
  case methodNotAllowed
  /// A request with a body.
  case contentNotTaken
  case requestLineTooLong(limit: Int)
  case headTooLarge(limit: Int)
  case tooManyFields(limit: Int)
  /// The Host is not a name of this address.
  case misdirected
  case versionNotSupported

  package var status: HTTPStatus {
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

  /// For people; never holds what the peer sent.
  package var message: String {
    switch self {
    case .malformed(let rule): "the request is not HTTP/1.1: \(rule)"
    case .timeout: "the request's header fields did not come in time"
    case .methodNotAllowed: "only GET and HEAD are allowed"
    case .contentNotTaken: "a request body is not taken"
    case .requestLineTooLong(let limit): "the request line has more than \(limit) bytes"
    case .headTooLarge(let limit): "the request has more than \(limit) bytes of header fields"
    case .tooManyFields(let limit): "the request has more than \(limit) header fields"
    case .misdirected:
      "this address answers to localhost and IP addresses only: the Host is another name"
    case .versionNotSupported: "only HTTP/1.1 and HTTP/1.0 are spoken"
    }
  }

  package var response: HTTPResponse {
    var response = HTTPResponse.error(status, message)
    if self == .methodNotAllowed { response.fields.append(("allow", "GET, HEAD")) }
    return response
  }
}
