/// One accepted socket of the admin server, and the HTTP/1.1 connection on it.
///
/// On the admin server's thread.
final class AdminConnection {
  let socket: Descriptor
  let registration: Poller.Registration
  /// What the address that it came to is for.
  let scope: AdminScope
  var http: HTTPServerConnection
  /// What epoll watches it for now.
  var interest: Poller.Interest = .read
  /// Whether our direction of the socket is closed.
  var hasShutDown = false

  init(
    socket: Descriptor, registration: Poller.Registration, scope: AdminScope,
    http: HTTPServerConnection
  ) {
    self.socket = socket
    self.registration = registration
    self.scope = scope
    self.http = http
  }
}
