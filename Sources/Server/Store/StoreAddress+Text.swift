import Redis

extension StoreAddress {
  /// What a checked `--store` says.
  package init(_ text: StoreAddressText) {
    let words = text.description
    if words.hasPrefix("redis+unix:") {
      self.init(.single, [.unix(path: String(words.dropFirst("redis+unix:".count)))])
      return
    }
    let parts = words.dropFirst("redis://".count).split(
      separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let place = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let nodes = place[0].split(separator: ",").map { server -> RedisNode in
      let colon = server.lastIndex(of: ":") ?? server.endIndex
      let host = server[..<colon].drop { $0 == "[" }
      return .tcp(
        host: String(host.last == "]" ? host.dropLast() : host),
        port: UInt16(server[colon...].dropFirst()) ?? 0)
    }
    var kind = Kind.single
    if parts.count > 1 {
      kind =
        parts[1] == "cluster"
        ? .cluster : .sentinel(name: String(parts[1].dropFirst("sentinel=".count)))
    }
    self.init(kind, nodes, database: place.count > 1 ? Int(place[1]) ?? 0 : 0)
  }
}

extension RedisNode {
  /// Whether only this machine can reach it: a Unix socket, `localhost` or a loopback address.
  var isLocal: Bool {
    switch self {
    case .unix: true
    case .tcp(let host, let port):
      host == "localhost" || SocketAddress(literal: host, port: port)?.isLoopback == true
    }
  }
}
