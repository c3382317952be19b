/// What a server says about itself when a connection begins.
package struct RedisServer: Equatable, Sendable {
  /// Another one each time that the server starts.
  package var runID = ""
  package var version = ""
  /// nil where it did not say.
  package var isMaster: Bool?
  package var isCluster = false
  /// Whether it still reads its data, and answers LOADING to calls.
  package var isLoading = false
  /// The bytes that its data may take; 0 for no bound, nil where it did not say.
  package var memoryMax: Int64?
  /// What it does when they are reached; nil where it did not say.
  package var memoryPolicy: String?
  /// How many replicas must be in touch for it to take writes; nil where it did not say.
  package var replicasToWrite: Int64?

  package init() {}

  /// Takes lines of INFO, `name:value` each.
  mutating func take(info text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = String(line[line.index(after: colon)...])
      switch line[..<colon] {
      case "run_id": runID = Self.isRunID(value) ? value : ""
      case "redis_version": version = String(value.prefix(Self.versionCharactersMax))
      case "redis_mode": isCluster = value == "cluster"
      case "loading": isLoading = value == "1"
      case "role": isMaster = value == "master"
      case "maxmemory": memoryMax = Int64(value)
      case "maxmemory_policy": memoryPolicy = String(value.prefix(Self.policyCharactersMax))
      default: break
      }
    }
  }

  /// Takes the answer to CONFIG GET, names and values in turn.
  mutating func take(configuration elements: [RESPValue]) {
    var index = 0
    while index + 1 < elements.count {
      switch elements[index].text {
      // Older servers know only the name with `slaves`; newer ones know both.
      case "min-replicas-to-write", "min-slaves-to-write":
        replicasToWrite = elements[index + 1].number
      default: break
      }
      index += 2
    }
  }

  private static let versionCharactersMax = 32
  private static let policyCharactersMax = 32
  private static let runIDBytesMax = 64

  private static func isRunID(_ text: String) -> Bool {
    (1...runIDBytesMax).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
  }
}

extension RedisServer {
  /// Why a server cannot be the store, however well it answers.
  package enum Unfit: Error, Equatable, Sendable, CustomStringConvertible {
    case runIDUnknown
    case loading
    case replica
    case evicts(policy: String)
    case isCluster
    case isNoCluster

    package var description: String {
      switch self {
      case .runIDUnknown:
        "does not say its run_id: allow its user `INFO` (ACL +info), without which a restart that lost"
          + " writes would not be seen"
      case .loading: "is reading its data"
      case .replica: "is a replica and not the master"
      case .evicts(let policy):
        "has maxmemory_policy \(policy) and a maxmemory: it would forget what is leased. Set"
          + " maxmemory-policy noeviction"
      case .isCluster: "is part of a cluster: add ?cluster to --store"
      case .isNoCluster: "is not part of a cluster: remove ?cluster from --store"
      }
    }
  }

  /// What is not as it should be and can be lived with.
  package enum Doubt: Hashable, Sendable, CustomStringConvertible {
    case policyUnknown
    case writesAlone
    case replicasUnknown

    package var description: String {
      switch self {
      case .policyUnknown:
        "does not say its maxmemory_policy: allow its user `INFO`, and see that it is noeviction"
      case .writesAlone:
        "takes writes also where no replica is in touch: set min-replicas-to-write 1 with a"
          + " min-replicas-max-lag below the fail-over's delay, so that two masters never both grant"
      case .replicasUnknown:
        "does not say its min-replicas-to-write: allow its user `CONFIG GET`, and see that it is 1"
      }
    }
  }

  /// Why this server cannot be the store, if so.
  package func unfit(in kind: StoreAddress.Kind) -> Unfit? {
    if runID.isEmpty { return .runIDUnknown }
    if isLoading { return .loading }
    if isMaster == false { return .replica }
    if isCluster, kind != .cluster { return .isCluster }
    if !isCluster, kind == .cluster { return .isNoCluster }
    if let memoryMax, memoryMax > 0, let memoryPolicy, memoryPolicy != "noeviction" {
      return .evicts(policy: memoryPolicy)
    }
    return nil
  }

  /// What is to be warned of.
  package func doubts(in kind: StoreAddress.Kind) -> [Doubt] {
    var doubts: [Doubt] = []
    if memoryPolicy == nil || memoryMax == nil { doubts.append(.policyUnknown) }
    if kind != .single {
      switch replicasToWrite {
      case .none: doubts.append(.replicasUnknown)
      case .some(..<1): doubts.append(.writesAlone)
      case .some: break
      }
    }
    return doubts
  }
}
