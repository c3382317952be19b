import SeededRandom
import Testing

@testable import Redis

/// One connection, told what a server answers, byte for byte.
@Suite struct RedisConnectionTests {
  private static let script = RedisScript(name: "state", source: Array("return 1".utf8))
  private static let call = RedisCall(
    script, keys: [Array("k".utf8)], arguments: [Array("a".utf8)])
  private static let credentials = RedisCredentials(name: "gate", password: "hunter2 secret")
  private static let runID = String(repeating: "a", count: 40)
  private static let hello = "%1\r\n+proto\r\n:3\r\n"
  private static let loaded = "$40\r\n" + String(repeating: "d", count: 40) + "\r\n"

  private static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }

  /// The answers to INFO and CONFIG GET of a master that is as it should be, but for what is said.
  private static func examination(
    server: String = "run_id:\(runID)\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n",
    persistence: String = "loading:0\r\n", replication: String = "role:master\r\n",
    memory: String = "maxmemory:0\r\nmaxmemory_policy:noeviction\r\n",
    configuration: String = "%1\r\n+min-replicas-to-write\r\n$1\r\n1\r\n"
  ) -> String {
    [server, persistence, replication, memory].map(bulk).joined() + configuration
  }

  /// The same answers from a server of a cluster.
  private static func ofCluster(_ answers: String) -> String {
    let before = "run_id:\(runID)\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"
    let after = "run_id:\(runID)\r\nredis_mode:cluster\r\n"
    return answers.replacing(bulk(before), with: bulk(after))
  }

  /// What a connection sends, as one text.
  private static func sent(_ connection: inout RedisConnection) -> String {
    String(decoding: connection.takeOutput(), as: UTF8.self)
  }

  private static func take(
    _ connection: inout RedisConnection, _ text: String, atMs nowMs: Int64 = 1
  ) -> RedisConnection.Fault? {
    let bytes = Array(text.utf8)
    do throws(RedisConnection.Fault) {
      try connection.received(bytes.span, nowMs: nowMs)
      return nil
    } catch {
      return error
    }
  }

  private static func call(
    _ connection: inout RedisConnection, _ id: UInt64, isAsking: Bool = false, atMs nowMs: Int64
  ) -> Bool {
    connection.call(call, id: id, isAsking: isAsking, nowMs: nowMs)
  }

  private static func send(
    _ connection: inout RedisConnection, _ id: UInt64, _ command: [[UInt8]] = [Array("PING".utf8)]
  ) -> Bool {
    connection.command(command, id: id, nowMs: 1)
  }

  private static func events(_ connection: inout RedisConnection) -> [RedisConnection.Event] {
    connection.takeEvents()
  }

  /// A connection that is ready, with nothing to be sent or told.
  private static func ready(_ kind: StoreAddress.Kind = .single) -> RedisConnection {
    var connection = RedisConnection(.data(kind, database: 0), credentials: nil, nowMs: 0)
    #expect(take(&connection, hello) == nil)
    #expect(
      take(
        &connection,
        examination(
          server: kind == .cluster
            ? "run_id:\(runID)\r\nredis_mode:cluster\r\n" : "run_id:\(runID)\r\n")) == nil)
    #expect(connection.isReady)
    _ = connection.takeOutput()
    _ = connection.takeEvents()
    return connection
  }

  // MARK: Before the first call

  @Test func `A server is greeted in version 3, then asked what it is, and then ready`() {
    var connection = RedisConnection(.data(.single, database: 5), credentials: nil, nowMs: 0)
    #expect(Self.sent(&connection) == "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n")
    #expect(!Self.call(&connection, 1, atMs: 0))
    #expect(Self.take(&connection, Self.hello) == nil && connection.isVersion3)
    let asked = Self.sent(&connection)
    #expect(
      asked.hasPrefix("*2\r\n$6\r\nSELECT\r\n$1\r\n5\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"))
    #expect(Self.take(&connection, "+OK\r\n" + Self.examination()) == nil)
    guard case .ready(let server)? = connection.takeEvents().first else {
      Issue.record("not ready")
      return
    }
    #expect(server.runID == Self.runID && server.version == "7.0.15" && server.isMaster == true)
    #expect(server.memoryMax == 0 && server.replicasToWrite == 1)
    #expect(server.doubts(in: .single) == [])
  }

  @Test(arguments: ["", "gate"])
  func `The password goes with the greeting, or by AUTH in version 2`(
    name: String
  ) {
    let credentials = RedisCredentials(name: name.isEmpty ? nil : name, password: "pw")
    let user = name.isEmpty ? "default" : name
    var connection = RedisConnection(
      .data(.single, database: 0), credentials: credentials, nowMs: 0)
    #expect(
      Self.sent(&connection)
        == "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$\(user.count)\r\n\(user)\r\n$2\r\npw\r\n"
    )
    #expect(Self.take(&connection, "-ERR unknown command 'HELLO'\r\n") == nil)
    let given = name.isEmpty ? "*2\r\n$4\r\nAUTH\r\n" : "*3\r\n$4\r\nAUTH\r\n$4\r\ngate\r\n"
    #expect(Self.sent(&connection) == given + "$2\r\npw\r\n")
    #expect(Self.take(&connection, "+OK\r\n" + Self.examination()) == nil)
    #expect(connection.isReady && !connection.isVersion3)
  }

  @Test func `A Sentinel is given the password only where it asks for one`() {
    var connection = RedisConnection(.sentinel, credentials: Self.credentials, nowMs: 0)
    #expect(Self.sent(&connection) == "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n")
    var open = connection
    #expect(Self.take(&open, Self.hello) == nil && open.isReady)
    #expect(Self.take(&connection, "-NOAUTH HELLO must be called\r\n") == nil)
    #expect(
      Self.sent(&connection).hasPrefix("*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$4\r\ngate"))
    #expect(Self.take(&connection, Self.hello) == nil && connection.isReady)
  }

  @Test(
    arguments: [
      ("-WRONGPASS invalid username-password pair\r\n", "refuses HELLO: WRONGPASS; look at"),
      ("-LOADING Redis is loading\r\n", "refuses HELLO: LOADING; it is reading"),
      (
        "-ERR unknown\r\n-ERR unknown command 'AUTH', args: 'gate' 'hunter2 secret'\r\n",
        "AUTH: ERR"
      ),
      ("-hunter2 secret\r\n-hunter2 secret\r\n", "refuses AUTH: ERR"),
      ("-NOAUTH hunter2 secret\r\n", "refuses HELLO: NOAUTH"),
    ] as [(String, String)])
  func `What repeats the password is never told`(answers: String, told: String) {
    var connection = RedisConnection(
      .data(.single, database: 0), credentials: Self.credentials, nowMs: 0)
    let fault = Self.take(&connection, answers)
    let text = "\(fault.map(\.description) ?? "none")"
    #expect(text.contains(told) && !text.contains("hunter2"), "\(text)")
    var dump = ""
    print(Self.credentials, to: &dump)
    Swift.dump(Self.credentials, to: &dump)
    #expect(!dump.contains("hunter2") && !dump.contains("104"))
  }

  @Test func `A server that wants a password says so where there is none`() {
    var connection = RedisConnection(.data(.single, database: 0), credentials: nil, nowMs: 0)
    #expect(Self.take(&connection, "-NOAUTH HELLO must be called\r\n") == .passwordMissing)
    #expect(RedisConnection.Fault.passwordMissing.description.contains("--store-credentials"))
  }

  @Test(
    arguments: [
      (examination(server: "redis_version:7\r\n"), .single, .runIDUnknown),
      (examination(server: "run_id:a b\r\n"), .single, .runIDUnknown),
      (examination(persistence: "loading:1\r\n"), .single, .loading),
      (examination(replication: "role:slave\r\n"), .single, .replica),
      (examination(replication: "role:slave\r\n"), .sentinel(name: "m"), .replica),
      (
        examination(memory: "maxmemory:1024\r\nmaxmemory_policy:allkeys-lru\r\n"), .single,
        .evicts(policy: "allkeys-lru")
      ),
      (
        examination(memory: "maxmemory:1\r\nmaxmemory_policy:volatile-ttl\r\n"), .single,
        .evicts(policy: "volatile-ttl")
      ),
      (examination(), .cluster, .isNoCluster),
      (examination(server: "run_id:a\r\nredis_mode:cluster\r\n"), .single, .isCluster),
      (examination(memory: "maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"), .single, nil),
      (examination(memory: "maxmemory:9\r\nmaxmemory_policy:noeviction\r\n"), .single, nil),
    ] as [(String, StoreAddress.Kind, RedisServer.Unfit?)])
  func `A server that cannot be the store is refused`(
    answers: String, kind: StoreAddress.Kind, unfit: RedisServer.Unfit?
  ) {
    var connection = RedisConnection(.data(kind, database: 0), credentials: nil, nowMs: 0)
    #expect(Self.take(&connection, Self.hello) == nil)
    #expect(Self.take(&connection, answers) == unfit.map { .unfit($0) })
    #expect(connection.isReady == (unfit == nil))
  }

  @Test(
    arguments: [
      (examination(configuration: "-NOPERM no\r\n"), .single, []),
      (examination(configuration: "-NOPERM no\r\n"), .cluster, [.replicasUnknown]),
      (examination(configuration: "%0\r\n"), .sentinel(name: "m"), [.replicasUnknown]),
      (
        examination(configuration: "%1\r\n+min-replicas-to-write\r\n$1\r\n0\r\n"),
        .sentinel(name: "m"), [.writesAlone]
      ),
      (
        examination(configuration: "*2\r\n+min-slaves-to-write\r\n$1\r\n2\r\n"),
        .sentinel(name: "m"), []
      ),
      (examination(memory: ""), .single, [.policyUnknown]),
    ] as [(String, StoreAddress.Kind, [RedisServer.Doubt])])
  func `What is not known or not safe is a doubt`(
    answers: String, kind: StoreAddress.Kind, doubts: [RedisServer.Doubt]
  ) {
    var connection = RedisConnection(.data(kind, database: 0), credentials: nil, nowMs: 0)
    #expect(Self.take(&connection, Self.hello) == nil)
    let answers = kind == .cluster ? Self.ofCluster(answers) : answers
    #expect(Self.take(&connection, answers) == nil)
    #expect(connection.server.doubts(in: kind) == doubts)
  }

  @Test func `Forbidden INFO leaves only what is needed to be asked for`() {
    var connection = RedisConnection(.data(.single, database: 0), credentials: nil, nowMs: 0)
    #expect(Self.take(&connection, Self.hello) == nil)
    let forbidden = String(repeating: "-NOPERM no\r\n", count: 5)
    #expect(Self.take(&connection, forbidden) == .unfit(.runIDUnknown))
    #expect(RedisServer.Unfit.runIDUnknown.description.contains("+info"))
  }

  // MARK: Calls

  @Test func `A script is loaded once and then called by its digest, answered in order`() {
    var connection = Self.ready()
    #expect(Self.call(&connection, 1, atMs: 2))
    #expect(Self.call(&connection, 2, atMs: 2))
    let first = Self.sent(&connection)
    // Before the digest is known, each brings the source.
    #expect(first.components("SCRIPT") == 1 && first.components("EVAL\r\n") == 2)
    #expect(connection.callsUnderWay == 2)
    #expect(Self.take(&connection, Self.loaded + ":1\r\n:2\r\n") == nil)
    #expect(Self.events(&connection) == [.answered(1, .integer(1)), .answered(2, .integer(2))])
    #expect(Self.call(&connection, 3, atMs: 3))
    let next = Self.sent(&connection)
    #expect(next.hasPrefix("*5\r\n$7\r\nEVALSHA\r\n$40\r\ndddd") && next.components("SCRIPT") == 0)
    #expect(connection.unanswered == [3])
  }

  @Test
  func `A script that the server has forgotten is sent once more with its source, then no more`() {
    var connection = Self.ready()
    #expect(Self.call(&connection, 1, atMs: 2))
    #expect(Self.take(&connection, Self.loaded + ":1\r\n") == nil)
    #expect(
      Self.call(&connection, 2, atMs: 2) && Self.call(&connection, 3, atMs: 2))
    _ = connection.takeOutput()
    _ = connection.takeEvents()
    let forgotten = "-NOSCRIPT No matching script\r\n"
    #expect(Self.take(&connection, forgotten + forgotten) == nil)
    #expect(Self.events(&connection) == [])
    #expect(Self.sent(&connection).components("EVAL\r\n") == 2)
    #expect(Self.take(&connection, ":2\r\n" + forgotten) == nil)
    #expect(
      Self.events(&connection) == [
        .answered(2, .integer(2)),
        .answered(3, .error(RedisError(word: "NOSCRIPT", text: "No matching script"))),
      ])
    #expect(connection.callsUnderWay == 0 && connection.silentSinceMs == nil)
  }

  @Test func `ASKING goes before a call that a cluster's server has sent on`() {
    var connection = Self.ready(.cluster)
    #expect(Self.call(&connection, 1, atMs: 2))
    #expect(Self.take(&connection, Self.loaded + ":1\r\n") == nil)
    _ = connection.takeOutput()
    _ = connection.takeEvents()
    #expect(Self.call(&connection, 2, isAsking: true, atMs: 2))
    #expect(Self.sent(&connection).hasPrefix("*1\r\n$6\r\nASKING\r\n*5\r\n$7\r\nEVALSHA\r\n"))
    #expect(Self.take(&connection, "+OK\r\n:7\r\n") == nil)
    #expect(Self.events(&connection) == [.answered(2, .integer(7))])
  }

  @Test func `An answer that nobody asked for ends the connection, as do bytes that are none`() {
    var unasked = Self.ready()
    #expect(Self.take(&unasked, ":1\r\n") == .unasked)
    #expect(Self.take(&unasked, ":1\r\n") == .unasked && !unasked.isReady)
    #expect(!Self.call(&unasked, 1, atMs: 1))
    var foreign = RedisConnection(.data(.single, database: 0), credentials: nil, nowMs: 0)
    #expect(Self.take(&foreign, "HTTP/1.1 400 \r\n") == .protocolBroken(.unknownType(0x48)))
  }

  @Test func `What was answered before a fault is told`() {
    var connection = Self.ready()
    #expect(
      Self.call(&connection, 1, atMs: 2) && Self.call(&connection, 2, atMs: 2))
    #expect(
      Self.take(&connection, Self.loaded + ":1\r\n?\r\n") == .protocolBroken(.unknownType(0x3f)))
    #expect(Self.events(&connection) == [.answered(1, .integer(1))])
    #expect(connection.unanswered == [2])
  }

  @Test func `A subscription's pushes are told, and are no answers`() {
    var connection = RedisConnection(.sentinel, credentials: nil, nowMs: 0)
    #expect(Self.take(&connection, Self.hello) == nil)
    connection.subscribe("+switch-master", nowMs: 1)
    #expect(Self.send(&connection, 1))
    _ = connection.takeEvents()
    let subscribed = ">3\r\n+subscribe\r\n+\(Self.channel)\r\n:1\r\n"
    let message = ">3\r\n+message\r\n+\(Self.channel)\r\n+m 1 2 3 4\r\n"
    #expect(Self.take(&connection, subscribed + message + "+PONG\r\n") == nil)
    let events = connection.takeEvents()
    #expect(events.count == 2 && events.last == .answered(1, .string(Array("PONG".utf8))))
    guard case .pushed? = events.first else {
      Issue.record("no push: \(events)")
      return
    }
  }

  private static let channel = "+switch-master"

  @Test func `Silence counts from the first question, and ends with an answer`() {
    var connection = Self.ready()
    #expect(connection.silentSinceMs == nil)
    #expect(Self.call(&connection, 1, atMs: 500))
    #expect(Self.call(&connection, 2, atMs: 900))
    #expect(connection.silentSinceMs == 500)
    #expect(Self.take(&connection, Self.loaded + ":1\r\n", atMs: 1_200) == nil)
    #expect(connection.silentSinceMs == 1_200)
    #expect(Self.take(&connection, ":1\r\n", atMs: 1_300) == nil)
    #expect(connection.silentSinceMs == nil)
  }

  // MARK: Limits, each at it and one over

  @Test func `A connection has so many calls under way and not one more`() {
    var connection = Self.ready()
    for id in 1...UInt64(RedisLimits.callsMax) {
      #expect(Self.send(&connection, id))
    }
    #expect(!Self.send(&connection, 0))
    #expect(Self.take(&connection, "+PONG\r\n") == nil)
    #expect(Self.send(&connection, 0))
  }

  @Test func `Output that is not sent is bounded`() {
    var connection = Self.ready()
    let most = RedisLimits.outputBytesMax
    let over = [[UInt8](repeating: 0x61, count: most)]
    #expect(!Self.send(&connection, 1, over))
    let fits = [[UInt8](repeating: 0x61, count: most - RESPWriter.bytesMax([[]]))]
    #expect(RESPWriter.bytesMax(fits) == most && Self.send(&connection, 1, fits))
    #expect(!Self.send(&connection, 2))
    #expect(Self.sent(&connection).utf8.count <= most)
    #expect(Self.send(&connection, 2))
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func `Whatever a server answers, nothing traps`(
    seed: UInt64
  ) {
    var random = SeededRandom(seed)
    let pieces = [
      Self.hello, Self.examination(), Self.loaded, "-NOSCRIPT x\r\n", "-NOAUTH x\r\n", ":1\r\n",
      "-ERR x\r\n", ">1\r\n+subscribe\r\n", "_\r\n", "*-1\r\n", "+OK\r\n",
    ]
    for _ in 0..<200 {
      let purpose: RedisConnection.Purpose =
        Bool.random(using: &random) ? .sentinel : .data(.single, database: 1)
      var connection = RedisConnection(
        purpose, credentials: Bool.random(using: &random) ? Self.credentials : nil, nowMs: 0)
      for id in 0..<12 as Range<UInt64> {
        _ = connection.call(Self.call, id: id, isAsking: id % 3 == 0, nowMs: 1)
        connection.subscribe("c", nowMs: 1)
        if Self.take(&connection, pieces.randomElement(using: &random)!) != nil { break }
      }
      #expect(connection.unanswered.count == connection.callsUnderWay)
    }
  }
}

extension String {
  /// How often a text is in it.
  fileprivate func components(_ text: String) -> Int { split(separator: text).count - 1 }
}
