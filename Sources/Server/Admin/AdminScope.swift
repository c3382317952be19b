/// What an address of the admin server is for.
package enum AdminScope: Equatable, Sendable {
  /// `--admin` on a loopback address: everything, for browsers on this machine. Requests whose Host
  /// is not localhost or an IP address are refused, because any web site could point a name of its
  /// own at this address and read it through its visitor's browser (DNS rebinding). `/healthz` and
  /// `/readyz` are answered under any name: they say nothing of the traffic, and probes use names
  /// of their own.
  case loopback
  /// `--admin` on a Unix socket: everything. The file's mode says who may connect.
  case socket
  /// `--metrics`: `/metrics`, `/healthz` and `/readyz` only, under any name.
  case probes

  /// The scope of `--admin` at `address`.
  package static func admin(_ address: ListenAddress) -> AdminScope {
    if case .unix = address { .socket } else { .loopback }
  }

  /// Whether a request for `path` with that Host is answered.
  func accepts(_ authority: HTTPAuthority?, path: String) -> Bool {
    switch self {
    case .loopback where path == AdminPages.alivePath || path == AdminPages.readyPath: true
    // A request of HTTP/1.0 may have no Host. It is not a browser's: browsers always send one.
    case .loopback: authority?.isLocalhostOrLiteral ?? true
    case .socket, .probes: true
    }
  }
}
