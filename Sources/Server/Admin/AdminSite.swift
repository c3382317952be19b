/// What the admin server answers. Called on its thread, one request at a time.
package protocol AdminSite: Sendable {
  /// `request` came to an address with `scope`; its Host has been found right.
  func answer(_ request: HTTPRequest, scope: AdminScope) -> HTTPResponse
}
