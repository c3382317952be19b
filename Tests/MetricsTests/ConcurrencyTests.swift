import Foundation
import Synchronization
import Testing

@testable import Metrics

@Suite(.timeLimit(.minutes(2))) struct ConcurrencyTests {
  private static let tenants = 40

  @Test func `readers see every number only grow while loops write and make series`() {
    let registry = MetricsRegistry()
    let rounds = 400
    let running = Atomic(3)
    let done = DispatchGroup()
    for _ in 0..<3 {
      done.enter()
      Thread {
        Self.write(registry, rounds: rounds)
        running.subtract(1, ordering: .relaxed)
        done.leave()
      }.start()
    }
    var lastRequests: UInt64 = 0
    var reads = 0
    while running.load(ordering: .relaxed) > 0 || reads == 0 {
      let totals = registry.totals
      #expect(totals.requests >= lastRequests)
      lastRequests = totals.requests
      for reading in registry.routes.map(\.duration) {
        // The count is the buckets' own sum: they agree at every moment.
        #expect(reading.count == reading.counts.reduce(0, +))
      }
      let lines = registry.lines("ai_gateway_requests_total")
      #expect(Set(lines.map { $0.prefix { $0 != "}" } }).count == lines.count)
      #expect(registry.refusals.count <= MetricLimits.refusalsMax)
      reads += 1
    }
    done.wait()
    let each = UInt64(Self.tenants)
    #expect(registry.totals.requests == 3 * UInt64(rounds) * 2 * each)
    #expect(registry.totals.denials == 3 * UInt64(rounds) * each)
    #expect(registry.totals.promptTokens == 3 * UInt64(rounds) * each * 7)
    #expect(registry.inflight == 0)
    #expect(registry.lines("ai_gateway_requests_total").count == 2 * Self.tenants)
  }

  /// A loop on a thread of its own.
  private static func write(_ registry: MetricsRegistry, rounds: Int) {
    let loop = registry.makeLoop()
    for round in 0..<rounds {
      for tenant in 0..<tenants {
        loop.began()
        loop.finished(.of("tenant-\(tenant)"))
        loop.refused(.of("tenant-\(tenant)", at: Int64(round)))
      }
    }
  }
}
