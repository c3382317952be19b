/// The label `phase`: the kind of message on which Tollgate's own work is timed, of ext_proc or (`check`)
/// of ext_authz.
package enum ProcessingStage: Int, Sendable, CaseIterable {
  case requestHeaders, requestBody, responseHeaders, responseBody, check

  /// The label's value.
  var label: StaticString {
    switch self {
    case .requestHeaders: "request_headers"
    case .requestBody: "request_body"
    case .responseHeaders: "response_headers"
    case .responseBody: "response_body"
    case .check: "check"
    }
  }
}
