import Books
import Bytes
import Foundation
import Gateway
import Ledger
import Metrics
import Policy
import Synchronization
import Terms

/// `metrics-benchmark [TENANTS] [page]`: how long the page takes, the first time and later, and what
/// counting and scraping cost requests, as ratios of rounds that take turns; with `page` only the
/// former.
@main enum MetricsBenchmark {
  private static let firstRenders = 7
  private static let laterRenders = 20
  private static let rounds = 15
  private static let exchangesEachRound = 4_000

  static func main() throws {
    let tenants = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 10_000
    let policy = Bench.policy(tenants: tenants)
    let limits = PolicyLimits(policy)
    let folder = NSTemporaryDirectory() + "metrics-benchmark-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var ledger = LedgerSettings()
    ledger.durability = .relaxed
    let event = ProcessEvent(policy: policy.revision, version: "bench")
    let (books, lock, _) = try Books.open(
      Books.Settings(directory: folder, ledger: ledger), limits,
      clock: Books.Clock(
        wallMs: { Int64(Date().timeIntervalSince1970 * 1_000) },
        monotonicMs: { SystemClock.monotonicNanoseconds() / 1_000_000 }),
      event: event, stateChanged: { _ in })
    let registry = MetricsRegistry()
    // As many loops as a machine of four processors has, all of which have met everybody.
    let loops = (0..<4).map { _ in registry.makeLoop() }
    for loop in loops { meet(loop, tenants) }
    measurePages(registry, books)
    guard !CommandLine.arguments.dropFirst().contains("page") else {
      _ = books.close(event)
      return withExtendedLifetime(lock) {}
    }
    let compiled = CompiledPolicy(policy, limits: limits)
    let plain = BenchGateway(compiled, books, nil)
    let counting = BenchGateway(compiled, books, loops[0])
    compare("not counted", "counted", plain.run, counting.run)
    let scraper = Scraper(registry: registry, books: books)
    compare("not scraped", "scraped every second", counting.run) {
      scraper.during(pauseMs: 1_000) { counting.run() }
    }
    compare("not scraped", "scraped without pause", counting.run) {
      scraper.during(pauseMs: 0) { counting.run() }
    }
    _ = books.close(event)
    withExtendedLifetime(lock) {}
  }

  /// Every tenant has used every model.
  private static func meet(_ loop: LoopMetrics, _ tenants: Int) {
    for tenant in 0..<tenants {
      for model in 0..<Bench.models {
        loop.began()
        loop.finished(
          FinishedExchange(
            tenant: "tenant-\(tenant)", route: "/v1/chat/completions", model: "model-\(model)",
            modelRoute: "chat-model-\(model)-v1", trafficClass: "interactive", stream: false,
            status: 200, origin: .backend, durationMs: Int64(tenant % 3_000),
            firstTokenMs: Int64(tenant % 900), promptTokens: 1_234, completionTokens: 567,
            costNanodollars: 2_368_000))
      }
    }
  }

  /// First renders are each of a page of their own, which has no memory yet and has met no policy, as
  /// after a start or a reload; later ones are of the last of these.
  private static func measurePages(_ registry: MetricsRegistry, _ books: Books) {
    var page = MetricsPage(registry: registry, books: books)
    var (first, later): ([Span], [Span]) = ([], [])
    var bytes: [UInt8] = []
    for _ in 0..<firstRenders {
      bytes = []
      page = MetricsPage(registry: registry, books: books)
      first.append(render(&page, &bytes))
    }
    for _ in 0..<laterRenders { later.append(render(&page, &bytes)) }
    let lines = bytes.count { $0 == UInt8(ascii: "\n") }
    print("page: \(lines) lines, \(bytes.count / 1_000_000) MB")
    for (name, value) in [("wall", { $0.wall }), ("CPU", { $0.cpu })]
      as [(String, (Span) -> Double)]
    {
      for (which, spans) in [("first", first), ("later", later)] {
        let sorted = spans.map(value).sorted()
        print(
          "\(which) render, \(name): the very first \(show(value(spans[0]))) ms, median"
            + " \(show(median(sorted))) ms, longest \(show(sorted[sorted.count - 1])) ms")
      }
    }
  }

  /// ms for a page.
  private static func render(_ page: inout MetricsPage, _ bytes: inout [UInt8]) -> Span {
    // Given back before, as a connection does with what it has sent.
    bytes = []
    let (wall, cpu) = (SystemClock.monotonicNanoseconds(), cpuNanoseconds())
    bytes = page.render(.init(version: "bench"))
    return Span(
      cpu: Double(cpuNanoseconds() - cpu) / 1e6,
      wall: Double(SystemClock.monotonicNanoseconds() - wall) / 1e6)
  }

  /// Rounds of both in turn; the median ratio of neighbours, of CPU time and of the clock on the wall.
  private static func compare(
    _ first: String, _ second: String, _ a: () -> Void, _ b: () -> Void
  ) {
    a()
    b()
    var times: (a: [Span], b: [Span]) = ([], [])
    for _ in 0..<rounds {
      times.a.append(time(a))
      times.b.append(time(b))
    }
    for (name, value) in [("CPU", { $0.cpu }), ("wall", { $0.wall })]
      as [(String, (Span) -> Double)]
    {
      let ratios = zip(times.a, times.b).map { value($1) / value($0) }.sorted()
      print(
        "exchange, \(name): \(first) \(show(median(times.a.map(value)))) µs,"
          + " \(second) \(show(median(times.b.map(value)))) µs,"
          + " ratio \(show(ratios[rounds / 2])) (middle half \(show(ratios[rounds / 4]))"
          + " to \(show(ratios[rounds * 3 / 4])))")
    }
  }

  private struct Span {
    var cpu: Double
    var wall: Double
  }

  /// µs for an exchange: of this thread's CPU, and in all.
  private static func time(_ body: () -> Void) -> Span {
    let (cpu, wall) = (cpuNanoseconds(), SystemClock.monotonicNanoseconds())
    body()
    let scale = 1_000 * Double(exchangesEachRound)
    return Span(
      cpu: Double(cpuNanoseconds() - cpu) / scale,
      wall: Double(SystemClock.monotonicNanoseconds() - wall) / scale)
  }

  private static func cpuNanoseconds() -> Int64 {
    var time = timespec()
    // The clock fills a local of the right type.
    unsafe _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  private static func show(_ value: Double) -> String { String(format: "%.2f", value) }

  fileprivate static func exchanges(_ gateway: BenchGateway) {
    gateway.reconnect()
    for _ in 0..<exchangesEachRound { gateway.exchange() }
  }
}

extension BenchGateway {
  func run() { MetricsBenchmark.exchanges(self) }
}

/// Renders the page on a thread of its own, again and again, while something else runs.
private struct Scraper {
  let registry: MetricsRegistry
  let books: Books

  func during(pauseMs: UInt32, _ body: () -> Void) {
    let isOver = Flag()
    let done = DispatchSemaphore(value: 0)
    Thread {
      var page = MetricsPage(registry: registry, books: books)
      while !isOver.value.load(ordering: .relaxed) {
        _ = page.render(.init(version: "bench"))
        var left = pauseMs
        while left > 0, !isOver.value.load(ordering: .relaxed) {
          usleep(5_000)
          left -= min(left, 5)
        }
      }
      done.signal()
    }.start()
    body()
    isOver.value.store(true, ordering: .relaxed)
    done.wait()
  }

  private final class Flag: Sendable {
    let value = Atomic(false)
  }
}
