/// What the admin server answers. Made and called on its thread, one request at a time.
package protocol AdminSite {
  /// `request` came to an address with `scope`; its Host has been found right.
  func answer(_ request: HTTPRequest, scope: AdminScope) -> HTTPResponse
}
