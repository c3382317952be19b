/// Where the store is: what `--store` says.
package struct StoreAddress: Equatable, Sendable, CustomStringConvertible {
  /// Who knows which server has a counter.
  package enum Kind: Equatable, Sendable {
    /// One server, which is named.
    case single
    /// The named servers are of a cluster, and know the others.
    case cluster
    /// The named servers are Sentinels, and know the master that has this name.
    case sentinel(name: String)
  }

  package let kind: Kind
  package let servers: [RedisNode]
  /// The number of the database; 0 in a cluster.
  package let database: Int

  package init(_ kind: Kind, _ servers: [RedisNode], database: Int = 0) {
    precondition(!servers.isEmpty, "an address names a server")
    self.kind = kind
    self.servers = servers
    self.database = database
  }

  /// As `--store` takes it.
  package var description: String {
    let path = database == 0 ? "" : "/\(database)"
    if case .unix = servers[0] { return "redis+unix:\(servers[0])" }
    let named = "redis://" + servers.map(\.description).joined(separator: ",") + path
    switch kind {
    case .single: return named
    case .cluster: return named + "?cluster"
    case .sentinel(let name): return named + "?sentinel=\(name)"
    }
  }
}

/// By what the store knows us. Has no description: it must not come into a log.
package struct RedisCredentials: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
  /// nil for the user `default`.
  let name: [UInt8]?
  let password: [UInt8]

  package init(name: String?, password: String) {
    self.name = name.map { Array($0.utf8) }
    self.password = Array(password.utf8)
  }

  package var description: String { "credentials" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
