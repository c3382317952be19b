/// What answers the admin server's requests.
///
/// On the admin server's thread, one request at a time.
package protocol AdminSite {
  /// Answers a request that came to an address with `scope`, which accepts its Host.
  func answer(_ request: HTTPRequest, scope: AdminScope) -> HTTPResponse
}
