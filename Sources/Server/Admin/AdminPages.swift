/// The paths of the admin server.
package struct AdminPages: AdminSite {
  private let state: ServingState

  package init(state: ServingState) {
    self.state = state
  }

  package func answer(_ request: HTTPRequest, scope: AdminScope) -> HTTPResponse {
    switch request.path {
    case "/healthz":
      // This thread answers: the process lives. What it can do is /readyz.
      return .text(.ok, "ok\n")
    case "/readyz":
      let reasons = state.reasons
      guard !reasons.isEmpty else { return .text(.ok, "ready\n") }
      return .text(.serviceUnavailable, reasons.map { $0 + "\n" }.joined())
    default:
      return .error(.notFound, "there is nothing at this path")
    }
  }
}
