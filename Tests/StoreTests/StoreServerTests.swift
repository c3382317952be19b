import Foundation
import Quota
import Redis
import Testing

@testable import Store

/// What a server does with the scripts as they are shipped.
@Suite(
  "Scripts on a server",
  .enabled(if: TestServer.program != nil, Comment(rawValue: TestServer.missing)))
struct StoreServerTests {
  static let holder = Holder(ledger: String(repeating: "a", count: 32), start: 1)

  private func caller(_ holder: Holder = holder) -> StoreCaller {
    StoreCaller(
      holder: holder, nonce: 7, runID: "run", alive: [holder], leaseMilliseconds: 10_000)
  }

  private func run(_ call: RedisCall, on server: TestServer) throws -> RESPValue {
    try server.ask([
      [Array("EVAL".utf8), call.script.source, Array(String(call.keys.count).utf8)] + call.keys
        + call.arguments
    ])[0]
  }

  private let call = StatementCall(
    partition: 63,
    statements: [
      Statement(
        key: SharedKey(partition: 63, id: String(repeating: "1", count: 32)), shape: .slots,
        amount: 5, number: 1, hold: 0, unspent: 0, need: 2, want: 2)
    ], isWhole: true)

  @Test("go by the server's clock")
  func clock() throws {
    let server = try TestServer()
    defer { server.end() }
    let value = try run(StoreCodec.stateCall(call, by: caller()), on: server)
    let answer = try StoreCodec.stateAnswer(value, to: call)
    #expect(answer.answers[0].outcome == .granted(2))
    #expect(abs(answer.storeMs - Int64(Date().timeIntervalSince1970 * 1_000)) < 60_000)
    let presence = StoreCodec.presenceCall(
      by: caller(), name: "gateway 1 ☃", revision: "r 1", isStarting: true,
      told: FleetMirror().told)
    guard
      case .alive(let changes) = try StoreCodec.presenceAnswer(
        run(presence, on: server), to: caller())
    else { throw TestServer.Failure(what: "not alive") }
    var mirror = FleetMirror()
    let view = mirror.take(changes)
    #expect(view.replicas.map(\.name) == ["gateway 1 ☃"])
    #expect(view.replicas.map(\.revision) == ["r?1"] && !view.isComplete)
  }

  @Test("give every key an expiry")
  func expiry() throws {
    let server = try TestServer()
    defer { server.end() }
    _ = try run(StoreCodec.stateCall(call, by: caller()), on: server)
    let closed = StatementCall(partition: 5, statements: [])
    _ = try run(StoreCodec.stateCall(closed, by: caller()), on: server)
    _ = try run(
      StoreCodec.presenceCall(
        by: caller(), name: "", revision: "", isStarting: true, told: FleetMirror().told),
      on: server)
    let stored = StoredResponse(tenant: "tenant-a", route: "chat-v1", tokens: 12)
    let remember = try #require(StoreCodec.remember(stored, id: String(repeating: "3", count: 32)))
    _ = try server.ask([remember])
    let keys = try server.ask("KEYS", "*").elements ?? []
    #expect(keys.count == 7)
    for case .string(let key) in keys {
      let expiry = try #require(try server.ask([[Array("PTTL".utf8), key]])[0].number)
      #expect((60_000...40 * 86_400_000).contains(expiry))
    }
    let slots = StoreKeys.counter(call.statements[0].key)
    let expiry = try #require(try server.ask([[Array("PTTL".utf8), slots]])[0].number)
    #expect((60_000...70_000).contains(expiry))
    let recalled = try server.ask([StoreCodec.recall(id: String(repeating: "3", count: 32))])[0]
    #expect(try StoreCodec.recalled(recalled) == stored)
  }

  @Test("write nothing where the server does not take writes, and its word is a failure")
  func failures() throws {
    let server = try TestServer()
    defer { server.end() }
    let state = StoreCodec.stateCall(call, by: caller())
    func word() throws -> String {
      do {
        _ = try StoreCodec.stateAnswer(run(state, on: server), to: call)
      } catch StoreFailure.error(let error) { return error.word }
      return "answered"
    }
    _ = try server.ask("CONFIG", "SET", "maxmemory", "1")
    #expect(try word() == "OOM")
    _ = try server.ask("CONFIG", "SET", "maxmemory", "0")
    _ = try server.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    #expect(try word() == "NOREPLICAS")
    _ = try server.ask("CONFIG", "SET", "min-replicas-to-write", "0")
    _ = try server.ask("SET", "{tollgate:63}:open", "not a hash")
    #expect(try word() == "WRONGTYPE")
    _ = try server.ask("DEL", "{tollgate:63}:open")
    _ = try server.ask("REPLICAOF", "127.0.0.1", "1")
    #expect(try word() == "READONLY")
    #expect(try server.ask("DBSIZE") == .integer(0))
    _ = try server.ask("REPLICAOF", "NO", "ONE")
    #expect(try word() == "answered")
  }

  @Test("see by a server's history that it was another's replica meanwhile, on one connection")
  func masterAgain() throws {
    let server = try TestServer()
    defer { server.end() }
    func answer(_ number: Int64, _ need: Int64) throws -> StatementCallAnswer {
      let call = StatementCall(
        partition: 63,
        statements: [
          Statement(
            key: self.call.statements[0].key, shape: .slots, amount: 5, number: number, hold: 0,
            unspent: 0, need: need, want: need)
        ], isWhole: number == 1)
      return try StoreCodec.stateAnswer(
        run(StoreCodec.stateCall(call, by: caller()), on: server), to: call)
    }
    #expect(try answer(1, 2).state == .open)
    #expect(try answer(2, 2).answers[0].outcome == .granted(2))
    _ = try server.ask("REPLICAOF", "127.0.0.1", "1")
    _ = try server.ask("REPLICAOF", "NO", "ONE")
    #expect(try answer(3, 2).answers[0].outcome == .opening)
  }

  @Test("look through many silent holders in parts")
  func manyHolders() throws {
    let server = try TestServer()
    defer { server.end() }
    let script = try ScriptOnServer(server, nowMs: 1_800_000_000_000)
    let key = SharedKey(partition: 1, id: String(repeating: "4", count: 32))
    func slots(_ number: Int64, hold: Int64, need: Int64) -> StatementCall {
      StatementCall(
        partition: 1,
        statements: [
          Statement(
            key: key, shape: .slots, amount: 2_000, number: number, hold: hold, unspent: 0,
            need: need, want: need)
        ], isWhole: true)
    }
    for number in 0..<2_000 {
      let digits = String(number, radix: 16)
      let holder = Holder(
        ledger: String(repeating: "0", count: 32 - digits.count) + digits, start: 1)
      _ = try script.state(slots(1, hold: 0, need: 1), by: caller(holder))
    }
    script.nowMs += 10_000
    var sums: [Int64] = [2_000]
    var outcome = StatementAnswer.Outcome.stale
    for number in 1...100 {
      script.nowMs += 1_000
      let answer = try script.state(
        slots(Int64(number), hold: 0, need: 1_900), by: caller()
      ).answers[0]
      outcome = answer.outcome
      sums.append(answer.sum)
      if outcome == .granted(1_900) { break }
    }
    #expect(outcome == .granted(1_900))
    // Some 200 each time, never all at once.
    #expect(sums.count > 6)
    #expect(zip(sums, sums.dropFirst().dropLast()).allSatisfy { $0 - $1 < 400 })
  }

  @Test("keep a bounded list of replicas, and tell of it in bounded parts")
  func manyReplicas() throws {
    let server = try TestServer()
    defer { server.end() }
    let script = try ScriptOnServer(server, nowMs: 1_800_000_000_000)
    func presence(_ number: Int, told: FleetMirror.Told = FleetMirror().told) throws -> FleetChanges
    {
      let digits = String(number)
      let holder = Holder(
        ledger: String(repeating: "0", count: 32 - digits.count) + digits, start: 1)
      let answer = try script.presence(
        by: StoreCaller(
          holder: holder, nonce: 1, runID: "r", alive: [], leaseMilliseconds: 60_000),
        name: "", revision: "r1", isStarting: false, told: told)
      guard case .alive(let changes) = answer else {
        throw TestServer.Failure(what: "not alive: \(answer)")
      }
      return changes
    }
    var told = FleetMirror().told
    for number in 0..<StoreLimit.replicasMax { told = try presence(number, told: told).told }
    #expect(throws: StoreFailure.self) { try presence(20_000) }
    // Each is told as much as all can be told in a second.
    var mirror = FleetMirror()
    let first = try presence(7)
    #expect(first.changes.count == 20 && first.count == 10_000)
    var rounds = 0
    repeat {
      _ = mirror.take(try presence(7, told: mirror.told))
      rounds += 1
    } while mirror.told.version < first.version && rounds < 1_000
    #expect(rounds == 500)
    // Who knows all is told nothing.
    let again = try presence(7, told: mirror.told)
    #expect(again.changes.isEmpty && !again.isAnew && again.count == 10_000)
    script.nowMs += 60_000
    // All are silent; one of them makes room, which nobody was told of, and one comes back.
    let late = try presence(20_000)
    #expect(late.count == 1 && late.isOld)
    let back = try presence(7, told: mirror.told)
    #expect(back.count == 2 && back.isAnew)
    while mirror.told.version < late.version {
      _ = mirror.take(try presence(7, told: mirror.told))
      rounds += 1
      guard rounds < 5_000 else { break }
    }
    let view = mirror.take(try presence(7, told: mirror.told))
    #expect(view.replicas.count == 2 && view.isComplete)
  }

  @Test("are opened by many replicas, each of which names some of the others")
  func manyClaims() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try StorePair(server)
    let holders = (100..<400).map {
      Holder(ledger: String(repeating: "0", count: 29) + String($0), start: 1)
    }
    func claim(_ holder: Holder) throws -> PartitionState? {
      let call = StatementCall(partition: 9, statements: [], isWhole: true)
      return try pair.state(call, by: holder, alive: holders)?.state
    }
    var order = holders.indices.map { ($0 * 7) % holders.count }
    let last = order.removeLast()
    for index in order {
      guard case .opening(true, _, let expected, _) = try claim(holders[index]) else {
        Issue.record("it is open before all have stated")
        return
      }
      #expect(expected <= 300)
    }
    #expect(try claim(holders[last]) == .open)
  }
}
