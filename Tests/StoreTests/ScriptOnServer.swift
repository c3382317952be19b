import Foundation
import Quota
import Redis

@testable import Store

/// The scripts on a real server, whose clock and history of writes are the test's: the text of the
/// script asks a key for them instead of the server. Nothing of that is in the scripts as they are shipped.
final class ScriptOnServer {
  let server: TestServer
  private let state: RedisScript
  private let presence: RedisScript
  /// Unix milliseconds.
  var nowMs: Int64
  /// `master_replid`.
  var history = "a1"

  /// What the server calls them.
  private var digests: [String: [UInt8]] = [:]

  /// `broken`: text of the script, and what stands in its place.
  init(
    _ server: TestServer, nowMs: Int64, broken: (text: String, by: String)? = nil
  ) throws {
    self.server = server
    self.nowMs = nowMs
    state = try Self.withClock(Self.withHistory(StoreScripts.state), broken: broken)
    presence = try Self.withClock(StoreScripts.presence, broken: broken)
    _ = try server.ask("FLUSHALL")
    for script in [state, presence] {
      let answer = try server.ask([
        [Array("SCRIPT".utf8), Array("LOAD".utf8), script.source]
      ])[0]
      guard case .string(let digest) = answer else {
        throw TestServer.Failure(what: "\(script.name) was not loaded: \(answer)")
      }
      digests[script.name] = digest
    }
  }

  private static func withClock(
    _ script: RedisScript, broken: (text: String, by: String)?
  ) throws -> RedisScript {
    var source = String(decoding: script.source, as: UTF8.self)
    let clock = "redis.call('TIME')"
    guard source.components(separatedBy: clock).count == 2 else {
      throw TestServer.Failure(what: "the clock is not read once")
    }
    source = source.replacingOccurrences(
      of: clock,
      with: "(function() local t = redis.call('GET', 'clock') "
        + "return { math.floor(t / 1000), t % 1000 * 1000 } end)()")
    if let broken, source.contains(broken.text) {
      source = source.replacingOccurrences(of: broken.text, with: broken.by)
    }
    return RedisScript(name: script.name, source: Array(source.utf8))
  }

  private static func withHistory(_ script: RedisScript) throws -> RedisScript {
    let source = String(decoding: script.source, as: UTF8.self)
    let history = "redis.call('INFO', 'replication')"
    guard source.components(separatedBy: history).count == 2 else {
      throw TestServer.Failure(what: "the history is not read once")
    }
    let changed = source.replacingOccurrences(
      of: history, with: "('master_replid:' .. redis.call('GET', 'history'))")
    return RedisScript(name: script.name, source: Array(changed.utf8))
  }

  private func run(_ call: RedisCall, _ script: RedisScript) throws -> RESPValue {
    try server.ask([
      ["MSET", "clock", String(nowMs), "history", history].map { Array($0.utf8) },
      [Array("EVALSHA".utf8), digests[script.name] ?? [], Array(String(call.keys.count).utf8)]
        + call.keys
        + call.arguments,
    ])[1]
  }

  func state(_ call: StatementCall, by caller: StoreCaller) throws -> StatementCallAnswer {
    try StoreCodec.stateAnswer(run(StoreCodec.stateCall(call, by: caller), state), to: call)
  }

  func presence(
    by caller: StoreCaller, name: String, revision: String, isStarting: Bool,
    told: FleetMirror.Told = FleetMirror().told
  ) throws -> PresenceAnswer {
    let call = StoreCodec.presenceCall(
      by: caller, name: name, revision: revision, isStarting: isStarting, told: told)
    return try StoreCodec.presenceAnswer(run(call, presence), to: caller)
  }

  // MARK: What is kept

  func hash(_ key: [UInt8]) throws -> [String: String] {
    let pairs = try server.ask([[Array("HGETALL".utf8), key]])[0].elements ?? []
    var hash: [String: String] = [:]
    for index in stride(from: 0, to: pairs.count - 1, by: 2) {
      hash[pairs[index].text ?? ""] = pairs[index + 1].text
    }
    return hash
  }

  func expiry(_ key: [UInt8]) throws -> Int64 {
    try server.ask([[Array("PTTL".utf8), key]])[0].number ?? -3
  }

  func delete(_ key: [UInt8]) throws { _ = try server.ask([[Array("DEL".utf8), key]]) }

  /// All that is kept, to be given back by `restore`.
  func copy() throws -> [[[UInt8]]] {
    var commands: [[[UInt8]]] = []
    for case .string(let key) in try server.ask("KEYS", "*").elements ?? [] {
      guard case .string(let dump) = try server.ask([[Array("DUMP".utf8), key]])[0] else {
        continue
      }
      let expiry = max(0, try expiry(key))
      commands.append([Array("RESTORE".utf8), key, Array(String(expiry).utf8), dump])
    }
    return commands
  }

  func restore(_ copy: [[[UInt8]]]) throws {
    _ = try server.ask("FLUSHALL")
    for answer in try server.ask(copy) where answer != .string(Array("OK".utf8)) {
      throw TestServer.Failure(what: "a key was not given back: \(answer)")
    }
  }
}
