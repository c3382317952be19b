import Redis

/// What `--store` says, as far as it can be checked before anything is connected:
/// `redis://HOST:PORT[,HOST:PORT…][/DB][?cluster | ?sentinel=NAME]` or `redis+unix:/PATH`.
package struct StoreAddressText: Sendable, Equatable, CustomStringConvertible {
  /// As it was given; it holds no password.
  package let description: String
  /// The servers, and what they are.
  let address: StoreAddress

  /// Whether none of its servers is reached over a network.
  package var isLocal: Bool { address.servers.allSatisfy(\.isLocal) }

  /// Why a text is none; the description completes "it …". No case repeats what may be a password.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case hasCredentials
    case hasTLS
    case unknownKind
    case serverInvalid
    case tooManyServers
    case databaseInvalid
    case databaseInCluster
    case optionUnknown
    case severalWithoutKind
    case pathInvalid

    package var description: String {
      switch self {
      case .hasCredentials:
        "holds a name or a password, which every process list would show: take out what stands"
          + " before the @, and give it in a file (--store-credentials FILE) or in"
          + " TOLLGATE_STORE_CREDENTIALS"
      case .hasTLS:
        "asks for TLS, which Tollgate does not speak: put a mesh or stunnel before the store, and"
          + " give redis:// with its loopback address"
      case .unknownKind: "is neither redis://HOST:PORT nor redis+unix:/PATH"
      case .serverInvalid:
        "names a server that is not HOST:PORT: the host a name or an address (IPv6 in brackets), the"
          + " port a number of 1 to 65535"
      case .tooManyServers: "names more than \(StoreAddressText.serversMax) servers"
      case .databaseInvalid:
        "names a database that is not a number of 0 to \(StoreAddressText.databaseMax)"
      case .databaseInCluster: "names a database, and a cluster has only 0"
      case .optionUnknown: "has an option that is neither ?cluster nor ?sentinel=NAME"
      case .severalWithoutKind:
        "names several servers: say what they are, with ?cluster or ?sentinel=NAME behind them"
      case .pathInvalid:
        "names no absolute path of a socket, of at most \(SocketAddress.unixPathBytesMax) bytes"
      }
    }
  }

  /// The most servers that an address names.
  static let serversMax = 16
  /// The highest number of a database.
  static let databaseMax = 65_535

  package init(_ text: String) throws(Problem) {
    description = text
    if text.contains("@") { throw .hasCredentials }
    if text.hasPrefix("rediss:") { throw .hasTLS }
    if text.hasPrefix("redis+unix:") {
      let path = String(text.dropFirst("redis+unix:".count))
      guard path.hasPrefix("/"), SocketAddress(unixPath: path) != nil else { throw .pathInvalid }
      address = StoreAddress(.single, [.unix(path: path)])
      return
    }
    guard text.hasPrefix("redis://") else { throw .unknownKind }
    let parts = text.dropFirst("redis://".count).split(
      separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let place = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let option = parts.count > 1 ? parts[1] : nil
    let names = place[0].split(separator: ",", omittingEmptySubsequences: false)
    if names.count > Self.serversMax { throw .tooManyServers }
    var servers: [RedisNode] = []
    for name in names { servers.append(try Self.server(name)) }
    var database = 0
    if place.count > 1, !place[1].isEmpty {
      guard place[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(place[1]),
        number <= Self.databaseMax
      else { throw .databaseInvalid }
      if option == "cluster", number > 0 { throw .databaseInCluster }
      database = number
    }
    address = StoreAddress(
      try Self.kind(option, servers: servers.count), servers, database: database)
  }

  private static func kind(
    _ option: Substring?, servers: Int
  ) throws(Problem) -> StoreAddress.Kind {
    guard let option else {
      if servers > 1 { throw .severalWithoutKind }
      return .single
    }
    if option == "cluster" { return .cluster }
    guard option.hasPrefix("sentinel="), option != "sentinel=" else { throw .optionUnknown }
    return .sentinel(name: String(option.dropFirst("sentinel=".count)))
  }

  private static func server(_ text: Substring) throws(Problem) -> RedisNode {
    guard let colon = text.lastIndex(of: ":") else { throw .serverInvalid }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits),
      port > 0
    else { throw .serverInvalid }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      guard host.contains(":") else { throw .serverInvalid }
    } else if host.contains(":") {
      throw .serverInvalid
    }
    if SocketAddress(literal: host, port: port) != nil { return .tcp(host: host, port: port) }
    let isName = host.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
    guard isName, (1...255).contains(host.utf8.count) else { throw .serverInvalid }
    return .tcp(host: host, port: port)
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
