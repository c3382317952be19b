/// One server, as it is connected to.
package enum RedisNode: Hashable, Sendable, CustomStringConvertible {
  case tcp(host: String, port: UInt16)
  case unix(path: String)

  /// For people: `host:port`, or the path.
  package var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): path
    }
  }

  /// The longest host: that of a domain name (RFC 1035, section 2.3.4).
  package static let hostBytesMax = 255

  /// A server that this one has named. Without a host it is on this one's; nil where that has none, or
  /// where host or port is not possible.
  package func sibling(host: String, port: Int64) -> RedisNode? {
    guard let port = UInt16(exactly: port), port > 0 else { return nil }
    if host.isEmpty || host == "?" {
      guard case .tcp(let own, _) = self else { return nil }
      return .tcp(host: own, port: port)
    }
    guard host.utf8.count <= Self.hostBytesMax, host.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    return .tcp(host: host, port: port)
  }
}
