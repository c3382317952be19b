import Quota
import Redis
import StoreModel

@testable import Store

/// The scripts and the model, side by side: each call goes to both, and what they answer and keep must
/// be the same.
final class StorePair {
  /// They differ.
  struct Difference: Error, CustomStringConvertible {
    let description: String
  }

  let script: ScriptOnServer
  var model = StoreModel()
  var runID = "run-1"
  var history: String {
    get { script.history }
    set { script.history = newValue }
  }
  var nowMs: Int64 { didSet { script.nowMs = nowMs } }
  private(set) var calls = 0

  init(
    _ server: TestServer, nowMs: Int64 = 1_800_000_000_000,
    broken: (text: String, by: String)? = nil
  ) throws {
    self.nowMs = nowMs
    script = try ScriptOnServer(server, nowMs: nowMs, broken: broken)
  }

  /// The answer of both; nil where both refused the call.
  @discardableResult
  func state(
    _ call: StatementCall, by holder: Holder, nonce: UInt32 = 1, alive: [Holder] = [],
    leaseMs: Int64 = 10_000
  ) throws -> StatementCallAnswer? {
    calls += 1
    try expire(call.partition)
    let caller = StoreCaller(
      holder: holder, nonce: nonce, runID: runID, alive: alive, leaseMilliseconds: leaseMs)
    let expected = try? model.state(
      call, by: holder, nonce: nonce, runID: runID, history: history, alive: alive,
      leaseMs: leaseMs, storeMs: nowMs)
    var answer: StatementCallAnswer?
    do {
      answer = try script.state(call, by: caller)
    } catch StoreFailure.error(let error) where error.word == "TOLLGATE" {
      guard expected == nil else { throw differ("refused", error.text, expected) }
    }
    guard answer == expected else { throw differ("answer", answer, expected) }
    try compare(call)
    return answer
  }

  func presence(
    by holder: Holder, nonce: UInt32 = 1, isStarting: Bool = false, leaseMs: Int64 = 10_000,
    revision: String = "r1", told: FleetMirror.Told = FleetMirror().told
  ) throws -> PresenceAnswer? {
    calls += 1
    if model.presence.expiresMs <= nowMs {
      for key in StoreKeys.presence { try script.delete(key) }
    }
    let caller = StoreCaller(
      holder: holder, nonce: nonce, runID: runID, alive: [], leaseMilliseconds: leaseMs)
    let expected = model.presence(
      of: holder, nonce: nonce, name: "a name", revision: revision, isStarting: isStarting,
      leaseMs: leaseMs, storeMs: nowMs, told: told)
    var answer: PresenceAnswer?
    do {
      answer = try script.presence(
        by: caller, name: "a name", revision: revision, isStarting: isStarting, told: told)
    } catch StoreFailure.error(let error) where error.word == "TOLLGATE" {}
    guard answer == expected else { throw differ("presence", answer, expected) }
    return answer
  }

  func wipe() throws {
    model.wipe()
    _ = try script.server.ask("FLUSHALL")
  }

  /// The server's keys expire by its own clock, which stands nearly still: what expired by the test's
  /// is removed.
  private func expire(_ partition: Int) throws {
    guard let kept = model.partitions[partition] else { return }
    if let marker = kept.marker, marker.expiresMs <= nowMs {
      try script.delete(StoreKeys.marker(partition))
    }
    if let opening = kept.opening, opening.expiresMs <= nowMs {
      try script.delete(StoreKeys.opening(partition))
    }
    for (id, counter) in kept.counters where counter.expiresMs <= nowMs {
      try script.delete(StoreKeys.counter(SharedKey(partition: partition, id: id)))
    }
  }

  private func compare(_ call: StatementCall) throws {
    let kept = model.partitions[call.partition]
    let marker = StoreKeys.marker(call.partition)
    try compare("marker", marker, KeptState.fields(of: kept?.marker), kept?.marker?.expiresMs)
    let opening = StoreKeys.opening(call.partition)
    try compare("opening", opening, KeptState.fields(of: kept?.opening), kept?.opening?.expiresMs)
    for statement in call.statements {
      let counter = kept?.counters[statement.key.id]
      try compare(
        "counter", StoreKeys.counter(statement.key), counter.map(KeptState.fields) ?? [:],
        counter?.expiresMs)
    }
  }

  /// The expiry counts in the server's time: what was kept in an earlier call has more of it left by
  /// the test's clock, never less than by the server's.
  private func compare(
    _ what: String, _ key: [UInt8], _ expected: [String: String], _ expiresMs: Int64?
  ) throws {
    let found = try script.hash(key).filter { $0.key != "cursor" }
    guard found == expected else { throw differ(what, found, expected) }
    guard let expiresMs else { return }
    let expiry = try script.expiry(key)
    guard expiry > 0, expiry >= expiresMs - nowMs - 30_000 else {
      throw differ("expiry of \(what)", expiry, expiresMs - nowMs)
    }
  }

  private func differ(_ what: String, _ found: Any?, _ expected: Any?) -> Difference {
    Difference(
      description:
        "\(what) of call \(calls) at \(nowMs):\n  \(String(describing: found))\nis not\n"
        + "  \(String(describing: expected))")
  }
}
