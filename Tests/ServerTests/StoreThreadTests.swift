import Foundation
import Testing

@testable import Server

/// `tollgate serve` with a real redis-server, alone and behind a Sentinel.
@Suite(
  .timeLimit(.minutes(3)),
  .enabled(if: RedisProcess.folder != nil, "redis-server or redis-cli is not installed"))
struct StoreThreadTests {
  /// A process that shares its limits.
  private final class Replica {
    private let directory: TemporaryDirectory
    private let run: CommandRun

    init(_ store: String, _ more: [String] = [], environment: [String: String] = [:]) throws {
      directory = try TemporaryDirectory()
      try directory.write(
        "p.json5",
        """
        { version: 1, limits: [{ name: "all", requests: 9, per: "day" }], models: {},
          tenants: { t: { keys: [] } } }
        """)
      let path = directory.path
      run = try CommandRun(
        [
          "serve", "--policy", path + "/p.json5", "--data", path + "/data", "--workers", "1",
          "--listen", "unix:\(path)/s", "--admin", "unix:\(path)/a", "--lease-ttl", "2s",
          "--store", store,
        ] + more, environment: environment)
    }

    func waitFor(_ text: String) throws { try run.waitFor(text) }
    var log: String { run.standardError }

    /// Of how many partitions the log says that they were lost, and that they returned. Those that
    /// change together may be in two lines.
    var lost: Int { sum(/does not serve (\d+) partition/) }
    var returned: Int { sum(/serves (\d+) partition/) }

    private func sum(_ said: Regex<(Substring, Substring)>) -> Int {
      log.matches(of: said).reduce(0) { $0 + (Int($1.1) ?? 0) }
    }

    func wait(until isSo: (Replica) -> Bool) throws {
      let end = Date(timeIntervalSinceNow: 30)
      while !isSo(self) {
        guard Date() < end else {
          Issue.record("\(log)")
          throw TestClient.Late()
        }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }

    func stop() throws -> Int32 {
      run.signal(SIGTERM)
      return try run.join()
    }
  }

  private func address(_ server: RedisProcess, _ behind: String = "") -> String {
    "redis://127.0.0.1:\(server.port)\(behind)"
  }

  private static let joined = "has answered: limits are shared"

  @Test(arguments: ["", "/3"]) func `A server is joined, and left in order`(database: String) throws
  {
    let redis = try RedisProcess()
    let replica = try Replica(address(redis, database))
    try replica.waitFor(Self.joined)
    #expect(try redis.ask("-n", database.isEmpty ? "0" : "3", "EXISTS", "tollgate:replicas") == "1")
    #expect(try replica.stop() == 0)
  }

  /// What makes a server useless, and what mends it.
  enum Trouble: CaseIterable {
    case refusesWrites, full, becomesReplica, hangs, wantsPassword
  }

  @Test(arguments: Trouble.allCases) func `A server that cannot be asked is lost, and found again`(
    trouble: Trouble
  ) throws {
    let redis = try RedisProcess()
    let replica = try Replica(address(redis))
    try replica.waitFor(Self.joined)
    switch trouble {
    case .refusesWrites: try redis.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    case .full: try redis.ask("CONFIG", "SET", "maxmemory", "1")
    case .becomesReplica: try redis.ask("REPLICAOF", "127.0.0.1", "1")
    case .hangs: redis.freeze()
    case .wantsPassword:
      try redis.ask("CONFIG", "SET", "requirepass", "other")
      try redis.ask("--pass", "other", "CLIENT", "KILL", "TYPE", "normal")
    }
    try replica.wait { $0.lost >= 64 }
    #expect(replica.returned == 0)
    switch trouble {
    case .refusesWrites: try redis.ask("CONFIG", "SET", "min-replicas-to-write", "0")
    case .full: try redis.ask("CONFIG", "SET", "maxmemory", "0")
    case .becomesReplica: try redis.ask("REPLICAOF", "NO", "ONE")
    case .hangs: redis.thaw()
    case .wantsPassword: try redis.ask("--pass", "other", "CONFIG", "SET", "requirepass", "")
    }
    try replica.wait { $0.returned >= 64 }
    #expect(try replica.stop() == 0)
    // Each is lost once and returns once, however often the server was tried meanwhile.
    #expect(replica.lost == 64 && replica.returned == 64, "\(replica.log)")
  }

  @Test func `A password is needed, taken from the environment, and never told`() throws {
    let redis = try RedisProcess(["--requirepass", "correct-horse"])
    let without = try Replica(address(redis))
    try without.waitFor("asks for a password: give one with --store-credentials")
    let wrong = try Replica(
      address(redis), environment: ["TOLLGATE_STORE_CREDENTIALS": "battery-staple"])
    try wrong.waitFor("WRONGPASS")
    #expect(!wrong.log.contains("battery-staple"))
    let right = try Replica(
      address(redis), environment: ["TOLLGATE_STORE_CREDENTIALS": "correct-horse"])
    try right.waitFor(Self.joined)
    #expect(!right.log.contains("correct-horse"))
  }

  @Test func `Another password in the file is used after a reload`() throws {
    let redis = try RedisProcess(["--requirepass", "first"])
    let folder = try TemporaryDirectory()
    try folder.write("credentials", "wrong")
    let replica = try Replica(
      address(redis), ["--store-credentials", folder.path + "/credentials"])
    try replica.waitFor("WRONGPASS")
    try folder.write("credentials", "first")
    try replica.waitFor(Self.joined)
  }

  @Test func `A server that evicts is refused, and the line says what to set`() throws {
    let redis = try RedisProcess(["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"])
    let replica = try Replica(address(redis))
    try replica.waitFor("Set maxmemory-policy noeviction")
    #expect(!replica.log.contains(Self.joined))
  }

  @Test func `A Sentinel says where the master is`() throws {
    let redis = try RedisProcess()
    let sentinel = try RedisProcess(watching: redis)
    let nobody = try RedisProcess()
    // The first one named is no Sentinel: the next one is asked.
    let replica = try Replica(
      "redis://127.0.0.1:\(nobody.port),127.0.0.1:\(sentinel.port)?sentinel=main")
    try replica.waitFor(Self.joined)
    #expect(replica.log.contains("set min-replicas-to-write 1"))
    #expect(try replica.stop() == 0)
  }

  @Test func `A name that no Sentinel knows is told`() throws {
    let redis = try RedisProcess()
    let sentinel = try RedisProcess(watching: redis)
    let replica = try Replica(address(sentinel, "?sentinel=other"))
    try replica.waitFor("does not know this master: ?sentinel= takes the name")
    #expect(!replica.log.contains(Self.joined))
  }

  @Test func `A cluster is told from a single server, both ways`() throws {
    let single = try RedisProcess()
    let asCluster = try Replica(address(single, "?cluster"))
    try asCluster.waitFor("remove ?cluster from --store")
    let cluster = try RedisProcess.inCluster()
    let asSingle = try Replica(address(cluster))
    try asSingle.waitFor("add ?cluster to --store")
    try cluster.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    let right = try Replica(address(cluster, "?cluster"))
    try right.waitFor(Self.joined)
  }
}
