/// One accepted socket of the admin server.
final class AdminConnection {
  let socket: Descriptor
  let registration: Poller.Registration
  let scope: AdminScope
  var http: HTTPServerConnection
  var interest: Poller.Interest = .read
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
