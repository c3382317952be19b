import Bytes
import Testing

@testable import Redis

/// A connection as a value: what it sends, and what follows from each answer.
@Suite struct RedisConnectionTests {
  private static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }

  /// The answers to all that is asked of a server before the first call.
  private static func introduction(
    memory: String = "maxmemory:0\r\nmaxmemory_policy:noeviction\r\n", role: String = "master",
    runID: String = "abc"
  ) -> String {
    "%0\r\n" + bulk("run_id:\(runID)\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n")
      + bulk("role:\(role)\r\n") + bulk(memory) + "*2\r\n+min-replicas-to-write\r\n+0\r\n"
  }

  private static func connection(
    _ credentials: RedisCredentials? = nil, database: Int = 0
  ) -> RedisConnection {
    RedisConnection(.data(.single, database: database), credentials: credentials, nowMs: 0)
  }

  /// Gives it bytes; returns the fault, if any.
  private static func give(
    _ text: String, to connection: inout RedisConnection, at nowMs: Int64 = 0
  ) -> RedisConnection.Fault? {
    do throws(RedisConnection.Fault) {
      try connection.received(Array(text.utf8).span, nowMs: nowMs)
      return nil
    } catch {
      return error
    }
  }

  private static func sent(_ connection: inout RedisConnection) -> String {
    String(decoding: connection.takeOutput(), as: UTF8.self)
  }

  private static func ready() -> RedisConnection {
    var connection = connection()
    _ = sent(&connection)
    #expect(give(introduction(), to: &connection) == nil)
    #expect(connection.isReady)
    _ = connection.takeEvents()
    _ = sent(&connection)
    return connection
  }

  private static func call(
    _ connection: inout RedisConnection, _ call: RedisCall, id: UInt64, nowMs: Int64
  ) -> Bool { connection.call(call, id: id, nowMs: nowMs) }

  private static func command(
    _ connection: inout RedisConnection, _ words: [[UInt8]], id: UInt64, nowMs: Int64
  ) -> Bool { connection.command(words, id: id, nowMs: nowMs) }

  private static let script = RedisScript(name: "state", source: Array("return 1".utf8))
  private static let call = RedisCall(script, keys: [Array("{p}:k".utf8)], arguments: [])

  @Test func `it says who it is, asks what the server is, and is ready then`() {
    var connection = Self.connection(
      RedisCredentials(name: "gate", password: "secret"), database: 3)
    let hello = Self.sent(&connection)
    #expect(hello.contains("HELLO") && hello.contains("gate") && hello.contains("secret"))
    #expect(Self.give("%0\r\n", to: &connection) == nil)
    #expect(Self.sent(&connection).contains("SELECT\r\n$1\r\n3\r\n"))
    let rest = "+OK\r\n" + Self.introduction().dropFirst("%0\r\n".count)
    #expect(Self.give(String(rest), to: &connection) == nil)
    guard case .ready(let server)? = connection.takeEvents().first else {
      Issue.record("not ready")
      return
    }
    #expect(server.runID == "abc" && server.isMaster == true)
  }

  @Test func `an older server is asked in the older way`() {
    var connection = Self.connection(RedisCredentials(name: nil, password: "secret"))
    _ = Self.sent(&connection)
    #expect(Self.give("-ERR unknown command 'HELLO'\r\n", to: &connection) == nil)
    #expect(Self.sent(&connection) == "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n")
    #expect(!connection.isVersion3)
  }

  @Test(arguments: [
    ("-NOAUTH HELLO must be called\r\n", "NOAUTH"),
    ("-WRONGPASS invalid username-password pair secret\r\n", "WRONGPASS"),
    ("-LOADING Redis is loading\r\n", "LOADING"),
  ]) func `a server that does not let us in is told of without its words`(
    answer: String, word: String
  ) {
    var connection = Self.connection(
      word == "NOAUTH" ? nil : RedisCredentials(name: nil, password: "secret"))
    let fault = Self.give(answer, to: &connection)
    #expect(fault?.word == word)
    #expect(fault?.description.contains("secret") == false)
    #expect(!"\(RedisCredentials(name: nil, password: "secret"))".contains("secret"))
  }

  @Test(arguments: [
    ("maxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n", "master", "abc", true),
    ("maxmemory:100\r\nmaxmemory_policy:noeviction\r\n", "master", "abc", false),
    ("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", "master", "abc", false),
    ("maxmemory:0\r\n", "slave", "abc", true), ("maxmemory:0\r\n", "master", "", true),
  ]) func `a server that cannot be the store is refused`(
    memory: String, role: String, runID: String, isUnfit: Bool
  ) {
    var connection = Self.connection()
    let fault = Self.give(
      Self.introduction(memory: memory, role: role, runID: runID), to: &connection)
    #expect((fault != nil) == isUnfit)
  }

  @Test func `a script brings its source until the server has named it`() {
    var connection = Self.ready()
    #expect(Self.call(&connection, Self.call, id: 1, nowMs: 1))
    let first = Self.sent(&connection)
    #expect(first.contains("SCRIPT") && first.contains("LOAD") && first.contains("EVAL\r\n"))
    #expect(Self.give("$3\r\nd16\r\n:1\r\n", to: &connection) == nil)
    let events = connection.takeEvents()
    #expect(events == [.answered(1, .integer(1))])
    #expect(Self.call(&connection, Self.call, id: 2, nowMs: 2))
    #expect(Self.sent(&connection).contains("EVALSHA\r\n$3\r\nd16\r\n"))
    // The server's scripts were removed: it is sent once more, with its source, and then it failed.
    #expect(Self.give("-NOSCRIPT No matching script\r\n", to: &connection) == nil)
    #expect(Self.sent(&connection).contains("EVAL\r\n$8\r\nreturn 1\r\n"))
    let none = connection.takeEvents()
    #expect(none.isEmpty)
    #expect(Self.give("-NOSCRIPT No matching script\r\n", to: &connection) == nil)
    guard case .answered(2, .error(let error))? = connection.takeEvents().first else {
      Issue.record("not answered")
      return
    }
    #expect(error.word == "NOSCRIPT")
  }

  @Test func `answers are of the calls in their order, and what is not asked ends it`() {
    var connection = Self.ready()
    for id in 1...3 as ClosedRange<UInt64> {
      #expect(Self.command(&connection, [Array("PING".utf8)], id: id, nowMs: 5))
    }
    #expect(Self.give("+A\r\n-ERR b\r\n", to: &connection, at: 6) == nil)
    #expect(connection.unanswered == [3])
    #expect(connection.silentSinceMs == 6)
    #expect(Self.give("+C\r\n", to: &connection, at: 7) == nil)
    let three = connection.takeEvents()
    #expect(connection.silentSinceMs == nil && three.count == 3)
    #expect(Self.give(">2\r\n+message\r\n+x\r\n", to: &connection) == nil)
    #expect(Self.give("+D\r\n", to: &connection) == .unasked)
    #expect(Self.give("+E\r\n", to: &connection) == .unasked)
  }

  @Test func `no more waits than the bound says`() {
    var connection = Self.ready()
    for id in 0..<UInt64(RedisLimits.callsMax) {
      #expect(Self.command(&connection, [Array("PING".utf8)], id: id, nowMs: 0))
    }
    #expect(!Self.command(&connection, [Array("PING".utf8)], id: .max, nowMs: 0))
    var other = Self.ready()
    let large = [UInt8](repeating: 0x61, count: RedisLimits.outputBytesMax / 2)
    #expect(Self.command(&other, [large], id: 1, nowMs: 0))
    #expect(!Self.command(&other, [large], id: 2, nowMs: 0))
  }

  @Test(arguments: [
    (
      "MOVED", "42 10.0.0.1:7000",
      RedisError.Kind.moved(slot: 42, to: .tcp(host: "10.0.0.1", port: 7000))
    ),
    ("MOVED", "42 :7000", .moved(slot: 42, to: .tcp(host: "seed", port: 7000))),
    ("ASK", "1 ::1:7000", .ask(slot: 1, to: .tcp(host: "::1", port: 7000))),
    ("MOVED", "16384 10.0.0.1:7000", .failed), ("MOVED", "1 10.0.0.1:0", .failed),
    ("MOVED", "1", .failed), ("NOSCRIPT", "", .noScript), ("READONLY", "", .notServing),
    ("LOADING", "", .notServing), ("MASTERDOWN", "", .notServing), ("OOM", "", .failed),
    ("NOREPLICAS", "", .failed), ("BUSY", "", .failed), ("TRYAGAIN", "", .failed),
    ("CLUSTERDOWN", "", .failed), ("", "what", .failed),
  ]) func `an error says what is to be done`(word: String, text: String, kind: RedisError.Kind) {
    let error = RedisError(word: word, text: text)
    #expect(error.kind(askedOf: .tcp(host: "seed", port: 1)) == kind)
  }

  @Test func `keys with one tag are in one slot, and slots are those of the specification`() {
    #expect(HashSlot.of(Array("123456789".utf8)) == 0x31c3)
    #expect(
      HashSlot.of(Array("{user1000}.following".utf8))
        == HashSlot.of(Array("{user1000}.followers".utf8)))
    #expect(HashSlot.of(Array("foo{}{bar}".utf8)) != HashSlot.of(Array("bar".utf8)))
    #expect(HashSlot.of(Array("foo{{bar}}zap".utf8)) == HashSlot.of(Array("{bar".utf8)))
  }
}
