/// What an address of the admin server is for.
package enum AdminScope: Equatable, Sendable {
  /// `--admin` on a loopback address: everything, for browsers of this machine. Names that DNS has
  /// pointed at it are refused, or any site could read it through its visitor's browser; all but for
  /// the two answers that say nothing of the traffic, which probes ask for under names of their own.
  case loopback
  /// `--admin` on a Unix socket: everything; its file's mode says who may.
  case socket
  /// `--metrics`: `/metrics`, `/healthz` and `/readyz`, under any name.
  case probes

  /// The scope of `--admin` at `address`.
  package static func admin(_ address: ListenAddress) -> AdminScope {
    if case .unix = address { .socket } else { .loopback }
  }

  func accepts(_ authority: HTTPAuthority?, path: String) -> Bool {
    switch self {
    case .loopback where path == AdminPages.alivePath || path == AdminPages.readyPath: true
    // HTTP/1.0 needs no Host; browsers always send one.
    case .loopback: authority?.isLocalhostOrLiteral ?? true
    case .socket, .probes: true
    }
  }
}
