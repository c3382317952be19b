import Books
import EnvoyAPI
import Foundation
import Ledger
import Metrics
import Policy
import Terms
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

/// Random exchanges in every order: whatever happens, counters are what the ledger says.
@Suite(.timeLimit(.minutes(5))) struct BooksInterleavingTests {
  private static let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

  /// One client's exchange, as far as it has come.
  private struct Client {
    let stream: TestStream
    /// 0: headers sent; 1: decided or waiting; 2: response begun.
    var phase = 0
  }

  private struct Run {
    var kept: KeptGateway
    var clients: [Client] = []
    var random: Xoshiro256
    var isFailing = false
    /// The disk has failed in this process's life.
    var hasFailed = false
    var admittedReplies = 0

    mutating func draw(_ below: UInt64) -> Int { Int(random.next() % below) }
  }

  private static let policies = [
    keptPolicy(requests: 500, tokens: 200_000, concurrent: 12, streamUsage: "inject"),
    keptPolicy(requests: 400, tokens: 100_000, concurrent: 6),
    keptPolicy(requests: 600, tokens: 300_000, concurrent: 20),
  ]

  @Test(arguments: 1...24)
  func `every admission has one completion, and counters are the ledger's sums`(
    _ seed: Int
  ) throws {
    let durability = Durability.durable
    var run = Run(
      kept: try KeptGateway(Self.policies[0], durability: durability, seed: UInt64(seed)),
      random: Xoshiro256(words: (UInt64(seed), 7, 11, 13)))
    for step in 0..<300 { try Self.step(&run, number: step, seed: seed, durability) }
    run.kept.files.fail(nil)
    run.kept.files.open()
    run.kept.waitUntilWritable()
    run.kept.gateway.hears = true
    run.kept.gateway.pump()
    for client in run.clients { client.stream.reset() }
    #expect(run.kept.gateway.loop.waitingCount == 0)
    try Self.check(run.kept, hasFailed: run.hasFailed)
  }

  private static func check(_ kept: KeptGateway, hasFailed: Bool) throws {
    #expect(kept.books.state.open.isEmpty)
    let state = kept.books.state.counters
    let records = try kept.close()
    let admitted = records.admissions.map(\.requestID)
    let completed = records.completions.map(\.requestID)
    #expect(!admitted.isEmpty)
    #expect(Set(admitted).count == admitted.count)
    #expect(Set(completed).count == completed.count)
    #expect(Set(admitted) == Set(completed))
    checkMetrics(kept.metrics, records, hasFailed: hasFailed)
    var sums: [String: Int64] = [:]
    for completion in records.completions {
      for charge in completion.charged { sums[charge.counter, default: 0] += charge.amount }
    }
    for counter in state {
      #expect(counter["open"] ?? 0 == 0)
      #expect(counter["held"] ?? 0 == 0)
      #expect(counter["reserved"] ?? 0 == 0)
      if let used = counter["used"] { #expect(used == sums[counter.counter], "\(counter.counter)") }
      sums[counter.counter] = nil
    }
    // What is as good as new is not among the counters.
    #expect(sums.values.allSatisfy { $0 == 0 })
    // And another start reads the same out of it.
    let again = try KeptGateway(policies[0], files: kept.files)
    #expect(again.found.interrupted == 0)
    #expect(
      again.books.state.counters.map { [$0["used"] ?? 0, $0["reserved"] ?? 0, $0["held"] ?? 0] }
        .sorted { $0.lexicographicallyPrecedes($1) }
        == state.map { [$0["used"] ?? 0, $0["reserved"] ?? 0, $0["held"] ?? 0] }
        .sorted { $0.lexicographicallyPrecedes($1) })
    _ = try again.close()
  }

  /// What this process counted is what it recorded. Only a client that goes while its admission waits
  /// for a disk that then fails is counted and on no record: it reached nobody and used nothing.
  private static func checkMetrics(
    _ metrics: MetricsRegistry, _ records: [LedgerRecord], hasFailed: Bool
  ) {
    let start = records.lastIndex { if case .start = $0.body { true } else { false } }
    let own = Array(records[(start ?? 0)...])
    // The last process's.
    let completions = own.completions.filter { $0.endReason != .interrupted }
    let totals = metrics.totals
    #expect(totals.inflight == 0)
    #expect(totals.denials == UInt64(own.denialCount))
    let unrecorded = Int(totals.requests) - completions.count - own.denialCount
    #expect(hasFailed ? unrecorded >= 0 : unrecorded == 0)
    func sum(_ value: (Completion) -> Int64?) -> UInt64 {
      UInt64(completions.reduce(0) { $0 + (value($1) ?? 0) })
    }
    #expect(totals.promptTokens == sum { $0.promptTokens })
    #expect(totals.completionTokens == sum { $0.completionTokens })
    #expect(totals.costNanodollars == sum { $0.costNanodollars })
    #expect(metrics.routes.reduce(0) { $0 + Int($1.requests) } == completions.count + unrecorded)
  }

  private static func step(
    _ run: inout Run, number: Int, seed: Int, _ durability: Durability
  ) throws {
    switch run.draw(40) {
    case 0..<12: open(&run)
    case 12..<30 where !run.clients.isEmpty: advance(&run, at: run.draw(UInt64(run.clients.count)))
    case 30..<33 where !run.clients.isEmpty:
      let client = run.clients.remove(at: run.draw(UInt64(run.clients.count)))
      if run.draw(2) == 0 { client.stream.reset() } else { client.stream.halfClose() }
    case 33: run.kept.gateway.hears.toggle()
    case 34: try run.kept.reload(policies[run.draw(3)])
    case 35: run.kept.files.shut()
    case 36: run.kept.files.open()
    case 37:
      run.isFailing.toggle()
      run.hasFailed = run.hasFailed || run.isFailing
      run.kept.files.fail(run.isFailing ? ENOSPC : nil)
    case 38: run.kept.books.rotate()
    case 39 where number % 3 == 0: try restart(&run, seed: seed + number, durability)
    default: run.kept.clock.advance(ms: 17)
    }
    // Nobody is waited for whose flush is held up.
    if run.kept.gateway.hears { run.kept.files.open() }
    run.kept.gateway.pump()
  }

  private static func open(_ run: inout Run) {
    if run.kept.gateway.hears { run.kept.files.open() }
    let client = Client(stream: run.kept.process())
    let modes: (BodyMode, BodyMode) = (
      run.draw(2) == 0 ? .buffered : .fullDuplexStreamed,
      run.draw(2) == 0 ? .streamed : .fullDuplexStreamed
    )
    client.stream.send(Message.requestHeaders(Message.headers(), modes: modes))
    run.clients.append(client)
  }

  /// The next message that Envoy might send.
  private static func advance(_ run: inout Run, at index: Int) {
    let stream = run.clients[index].stream
    guard stream.grpcStatus == nil else {
      run.clients.remove(at: index)
      return
    }
    switch run.clients[index].phase {
    case 0:
      stream.send(Message.body(.requestBody, chat))
      run.clients[index].phase = 1
    case 1:
      // Envoy has no response before it has a verdict.
      stream.receive()
      guard stream.hasVerdict else { return }
      let kind = run.draw(6)
      stream.send(
        Message.responseHeaders(
          [
            (":status", ["200", "200", "200", "429", "503", "504"][kind]),
            ("content-type", kind == 1 ? "text/event-stream" : "application/json"),
          ],
          attributes: ["response.code_details": kind > 3 ? "local" : "via_upstream"],
          flags: kind == 4 ? 0x2 : nil))
      run.clients[index].phase = 2
    default:
      let texts = [SettlementCase.usage, SettlementCase.delta, SettlementCase.last, "{", "x"]
      let isLast = run.draw(2) == 0
      stream.send(Message.body(.responseBody, texts[run.draw(5)], endOfStream: isLast))
      if isLast {
        stream.halfClose()
        run.clients.remove(at: index)
      }
    }
  }

  /// The process dies and another begins from what is on disk.
  private static func restart(_ run: inout Run, seed: Int, _ durability: Durability) throws {
    let files = run.kept.files.crashed()
    // The dead one's books are only put away.
    run.kept.files.fail(nil)
    run.kept.files.open()
    run.kept.waitUntilWritable()
    run.kept.gateway.hears = true
    for client in run.clients { client.stream.reset() }
    run.clients = []
    _ = try run.kept.close()
    run.isFailing = false
    run.hasFailed = false
    run.kept = try KeptGateway(
      policies[run.draw(3)], files: files, durability: durability, clock: run.kept.clock,
      seed: UInt64(seed))
    #expect(run.kept.books.state.counters.allSatisfy { ($0["held"] ?? 0) == 0 })
  }

  @Test(arguments: [7, 100])
  func `four loops and two hundred clients are admitted exactly as often as the limit says`(
    _ limit: Int
  ) throws {
    let policy = keptPolicy(requests: limit)
    let first = try KeptGateway(policy)
    let boxes = (0..<4).map { _ in NewsBox() }
    first.books.onOutcome { news in for box in boxes { box.put(news) } }
    let snapshot = try TestGateway.load(policy)
    let limits = first.limits
    let (books, clock) = (first.books, first.clock)
    let admitted = Tally()
    let refused = Tally()
    let threads = DispatchGroup()
    for index in 0..<4 {
      threads.enter()
      Thread {
        // Everything of a loop lives on its thread.
        let gateway = TestGateway(
          snapshot, books: books, policyLimits: limits, news: boxes[index],
          seed: UInt64(index + 1), clock: clock)
        var streams: [TestStream] = []
        for _ in 0..<50 {
          let stream = gateway.process()
          stream.send(Message.requestHeaders(Message.headers()))
          let answer = stream.send(Message.body(.requestBody, Self.chat)).first
          if answer?.set["x-ai-tenant"] == "tenant-a" { admitted.add() }
          if answer?.immediateStatus == 429 { refused.add() }
          streams.append(stream)
        }
        for stream in streams { stream.halfClose() }
        threads.leave()
      }.start()
    }
    threads.wait()
    #expect(admitted.count == limit)
    #expect(refused.count == 200 - limit)
    #expect(first.count("tenant/tenant-a/rpd", "used") == Int64(limit))
    #expect(first.count("tenant/tenant-a/parallel", "held") == 0)
    let records = try first.close()
    #expect(records.admissions.count == limit)
    #expect(records.completions.count == limit)
  }
}

private final class Tally: @unchecked Sendable {
  private let lock = NSLock()
  private var value = 0

  func add() { lock.withLock { value += 1 } }
  var count: Int { lock.withLock { value } }
}
