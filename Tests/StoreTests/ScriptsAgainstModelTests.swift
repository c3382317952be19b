import Quota
import Redis
import SeededRandom
import StoreModel
import Testing

@testable import Store

@Suite("Scripts on a real server against the model", .serialized)
struct ScriptsAgainstModelTests {
  /// Random calls to both; throws where they differ.
  private func compare(
    seed: UInt64, calls: Int, on server: TestServer, broken: (text: String, by: String)? = nil
  ) throws -> [String: Int] {
    let pair = try StorePair(server, broken: broken)
    var world = RandomCalls(seed: seed)
    var outcomes: [String: Int] = [:]
    var copy = (try pair.script.copy(), pair.model.copy())
    for _ in 0..<calls {
      pair.nowMs += world.step()
      if world.random.chance(0.005) { pair.runID = world.random.pick(["run-1", "run-2", "run-3"]) }
      if world.random.chance(0.005) { pair.history = world.random.pick(["a1", "b2"]) }
      if world.random.chance(0.003) { try pair.wipe() }
      if world.random.chance(0.01) { copy = (try pair.script.copy(), pair.model.copy()) }
      if world.random.chance(0.003) {
        try pair.script.restore(copy.0)
        pair.model.restore(copy.1)
      }
      let (call, holder, nonce) = world.call(at: pair.nowMs)
      let alive = world.holders.filter { _ in world.random.chance(0.6) }
      let answer = try pair.state(
        call, by: holder, nonce: nonce, alive: alive, leaseMs: world.random.pick([3_000, 10_000]))
      world.answered(answer, to: call, by: holder)
      guard let answer else {
        outcomes["refused", default: 0] += 1
        continue
      }
      for one in answer.answers {
        let word = "\(one.outcome)".prefix { $0 != "(" }
        outcomes[one.outcome == .granted(0) ? "stated" : String(word), default: 0] += 1
      }
    }
    return outcomes
  }

  @Test(
    "answers and what is kept are the same, number for number",
    .enabled(if: TestServer.program != nil, Comment(rawValue: TestServer.missing)))
  func sameAsTheModel() throws {
    let server = try TestServer()
    defer { server.end() }
    let first = UInt64.random(in: 0..<1 << 32)
    var outcomes: [String: Int] = [:]
    for seed in [1, 2, 3] + (first..<first + 17) {
      do {
        outcomes.merge(try compare(seed: seed, calls: 1_000, on: server), uniquingKeysWith: +)
      } catch {
        Issue.record("seed \(seed): \(error)")
        return
      }
    }
    print("seeds 1 to 3 and \(first) to \(first + 16): \(outcomes)")
    for outcome in [
      "granted", "stated", "short", "otherShort", "opening", "stale", "fenced", "otherWindow",
      "refused",
    ] {
      #expect(outcomes[outcome, default: 0] >= 20, "\(outcome) came too seldom")
    }
  }

  /// Each takes one rule out of the script. If the comparison did not see it, it would not see a fault
  /// of that kind either.
  static let breaks: [(name: String, text: String, by: String)] = [
    (
      "statements without numbers",
      "if before.start == start and before.number >= s.number then return 'stale' end", ""
    ),
    ("an earlier start is taken in", "before.start > start or ", ""),
    ("two copies of one start", " or before.start == start and before.nonce ~= nonce", ""),
    (
      "what is leased of a budget comes back by time", "expiry = counter['end'] - now + KEEP",
      "expiry = lease"
    ),
    (
      "no opening", "isOpen = isClaimed == 1", "isOpen = true or isClaimed == 1"
    ),
    ("a master that was another's replica is the same", " and marker[4] == history", ""),
    ("an opening goes on in another history", " or found[2] ~= history", ""),
    ("an opening that waits for nobody", "opening.missing == 0 or", "true or"),
    (
      "a claim of another opening counts", "wholeSince == '' or wholeSince == opening.since", "true"
    ),
    ("what was seen is forgotten", "s.seen > counter.sum then", "false then"),
    (
      "refill over slices",
      "counter.sum - counter.unspent then\n      counter.sum, counter.rest = counter.unspent, 0",
      "counter.sum then\n      counter.sum, counter.rest = 0, 0"
    ),
    ("refill without the rest", "counter.sum - units, rest", "counter.sum - units, 0"),
    (
      "a smaller settled stands", "math.max(s.settled, known)", "s.settled"
    ),
    (
      "a bucket that measures across starts", "before and before.start == start and", "before and"
    ),
    ("a grant although another is short", "if isRefused and s.need > 0 then", "if false then"),
    ("silent holders keep their slots", "if s.kind ~= 'budget' then sweep(s) end", ""),
    ("a bucket that measures a counter made anew", "start == start and s.seen", "start == start"),
    ("no mark of shortness", "counter.short = now\n", "\n"),
    ("14 digits", "'%.0f %.0f %s %.0f %.0f %.0f %.0f'", "'%.0f %.0f %s %.14g %.0f %.0f %.0f'"),
    ("no bound on sums", "if math.abs(number) > MAX then", "if false then"),
  ]

  @Test(
    "a script with one rule less is found out",
    .enabled(if: TestServer.program != nil, Comment(rawValue: TestServer.missing)),
    arguments: breaks.map(\.name))
  func breaksAreSeen(name: String) throws {
    let rule = try #require(Self.breaks.first { $0.name == name })
    let source = String(decoding: StoreScripts.state.source, as: UTF8.self)
    try #require(source.contains(rule.text), "the rule is not in the script any more")
    let server = try TestServer()
    defer { server.end() }
    #expect(throws: (any Error).self) {
      for seed in UInt64(1)...20 {
        _ = try compare(seed: seed, calls: 1_000, on: server, broken: (rule.text, rule.by))
      }
    }
  }

  @Test(
    "who lives, who is fenced and who takes the next number are the same",
    .enabled(if: TestServer.program != nil, Comment(rawValue: TestServer.missing)))
  func presenceIsTheSame() throws {
    let server = try TestServer()
    defer { server.end() }
    let seed = UInt64.random(in: 0..<1 << 32)
    print("seed \(seed)")
    var random = SeededRandom(seed)
    let pair = try StorePair(server)
    var outcomes: [String: Int] = [:]
    var mirrors: [String: FleetMirror] = [:]
    for _ in 0..<4_000 {
      pair.nowMs += random.chance(0.01) ? random.number(-5_000...50 * RandomCalls.day) : 300
      if random.chance(0.005) { try pair.wipe() }
      let holder = Holder(
        ledger: String(repeating: "b", count: 31) + String(random.number(0...4)),
        start: random.number(1...3))
      let told =
        random.chance(0.1)
        ? FleetMirror.Told(
          listMs: pair.model.presence.sinceMs ?? 0, version: random.number(0...2_000))
        : mirrors[holder.ledger, default: FleetMirror()].told
      let answer = try pair.presence(
        by: holder, nonce: UInt32(random.number(1...3)), isStarting: random.chance(0.3),
        leaseMs: random.pick([1_000, 3_000]), revision: random.chance(0.1) ? "r2" : "r1",
        told: told)
      if case .alive(let changes)? = answer {
        // By changes alone, each knows all.
        if random.chance(0.05) { mirrors[holder.ledger] = FleetMirror() }
        guard told == mirrors[holder.ledger, default: FleetMirror()].told else { continue }
        let view = mirrors[holder.ledger, default: FleetMirror()].take(changes)
        let presence = pair.model.presence
        let lives = presence.entries.filter { $0.value.heardMs > presence.silentMs }
        #expect(view.count == Int64(lives.count))
        #expect(
          view.replicas.map(\.holder)
            == lives.map { Holder(ledger: $0.key, start: $0.value.start) }.sorted {
              $0.ledger < $1.ledger
            })
        for replica in view.replicas {
          #expect(replica.revision == lives[replica.holder.ledger]?.revision)
        }
      }
      outcomes[String("\(try #require(answer))".prefix { $0 != "(" }), default: 0] += 1
    }
    print(outcomes)
    for word in ["alive", "renumbered", "fenced"] { #expect(outcomes[word, default: 0] > 20) }
  }
}
