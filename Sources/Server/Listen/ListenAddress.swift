/// Where to listen or connect: `unix:/path/to.sock`, `127.0.0.1:9002`, `[::1]:9002`,
/// `localhost:9002`.
package enum ListenAddress: Equatable, Hashable, Sendable, CustomStringConvertible {
  case unix(path: String)
  /// `host` is a literal IPv4 or IPv6 address, without brackets.
  case tcp(host: String, port: UInt16)

  /// Why a text is not an address; the description completes "it …".
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case unixPathMissing
    case unixPathTooLong(bytes: Int)
    case unixPathHasNUL
    case portMissing
    case portInvalid(String)
    case hostMissing(port: UInt16)
    case hostNotLiteral(String)
    case bracketsMissing(String)

    package var description: String {
      switch self {
      case .empty: "is empty"
      case .unixPathMissing: "names no path after `unix:`"
      case .unixPathTooLong(let bytes):
        "is a path of \(bytes) bytes; a Unix socket's has at most \(SocketAddress.unixPathBytesMax)"
      case .unixPathHasNUL: "holds a NUL byte"
      case .portMissing: "has no port: write host:port or unix:/path"
      case .portInvalid(let text): "has the port `\(text)`, which is not a number of 0 to 65535"
      case .hostMissing(let port):
        "has no host: write 127.0.0.1:\(port), or 0.0.0.0:\(port) for every interface"
      case .hostNotLiteral(let host):
        "has the host `\(host)`: only an IPv4 or IPv6 address or `localhost` is taken"
      case .bracketsMissing(let host): "needs brackets around an IPv6 address: [\(host)]:port"
      }
    }
  }

  /// Reads an address as flags give it. `localhost` is 127.0.0.1.
  package init(_ text: String) throws(Problem) {
    if text.isEmpty { throw .empty }
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      if path.isEmpty { throw .unixPathMissing }
      if path.utf8.contains(0) { throw .unixPathHasNUL }
      guard path.utf8.count <= SocketAddress.unixPathBytesMax else {
        throw .unixPathTooLong(bytes: path.utf8.count)
      }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":") else { throw .portMissing }
    var host = String(text[..<colon])
    let portText = String(text[text.index(after: colon)...])
    // The last colon of `[::1]` is inside the brackets.
    if portText.hasSuffix("]") || portText.isEmpty { throw .portMissing }
    guard portText.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(portText)
    else { throw .portInvalid(portText) }
    if host.isEmpty { throw .hostMissing(port: port) }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      guard host.contains(":") else { throw .hostNotLiteral(host) }
    } else if host.contains(":") {
      throw .bracketsMissing(host)
    }
    if host == "localhost" { host = "127.0.0.1" }
    guard SocketAddress(literal: host, port: port) != nil else { throw .hostNotLiteral(host) }
    self = .tcp(host: host, port: port)
  }

  /// As flags give it.
  package var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }

  /// Whether only this machine can reach it: a Unix socket or a loopback address.
  var isLocal: Bool { socketAddress.isLoopback }

  /// The same address with the port that the kernel chose for port 0.
  func with(port: UInt16) -> ListenAddress {
    switch self {
    case .unix: self
    case .tcp(let host, _): .tcp(host: host, port: port)
    }
  }

  var socketAddress: SocketAddress {
    let address =
      switch self {
      case .unix(let path): SocketAddress(unixPath: path)
      case .tcp(let host, let port): SocketAddress(literal: host, port: port)
      }
    guard let address else { preconditionFailure("an address was validated when it was read") }
    return address
  }
}
