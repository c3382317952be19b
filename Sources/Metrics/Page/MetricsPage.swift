import Books
import Ledger

/// The text of `/metrics`, put together from the loops' counters, the books and what it is told. One
/// for each thread that serves it; the buffer is kept for the next time.
package struct MetricsPage {
  /// What others know.
  package struct Facts: Sendable {
    package var version: String
    package var policy: PolicyStatus?
    package var ship: [ShipStatistics]
    package var process: ProcessStatus?

    package init(
      version: String, policy: PolicyStatus? = nil, ship: [ShipStatistics] = [],
      process: ProcessStatus? = nil
    ) {
      self.version = version
      self.policy = policy
      self.ship = ship
      self.process = process
    }
  }

  private let registry: MetricsRegistry
  private let books: Books?
  private var page = Exposition()
  private var limits = LimitMetrics()

  package init(registry: MetricsRegistry, books: Books?) {
    self.registry = registry
    self.books = books
  }

  /// Everything as it is now. The bytes stay until the next call; lending them copies nothing.
  package mutating func render(_ facts: Facts) -> [UInt8] {
    page.clear()
    let limitBytes = books.map { limits.pageBytesAbout($0) } ?? 0
    page.reserve(registry.pageBytesAbout + limitBytes)
    page.build(version: facts.version)
    page.traffic(registry)
    if let books {
      limits.write(books, to: &page)
      if let statistics = books.ledgerStatistics {
        page.ledger(statistics, commits: registry.commitDurations)
      }
    }
    if let policy = facts.policy { page.policy(policy) }
    page.shipping(facts.ship)
    if let process = facts.process { page.process(process) }
    return page.bytes
  }
}

extension Exposition {
  /// The ledger in numbers.
  mutating func ledger(_ ledger: LedgerStatistics, commits: Histogram) {
    metric("ai_gateway_ledger_writable", .gauge, "1 when an admission would be taken now.")
    sample(ledger.state == .writable)
    metric("ai_gateway_ledger_next_seq", .gauge, "The number of the next record.")
    sample(ledger.nextSeq)
    metric("ai_gateway_ledger_durable_seq", .gauge, "The number of the last record on disk.")
    sample(ledger.durableSeq)
    metric("ai_gateway_ledger_queued_bytes", .gauge, "What waits to be written, about.")
    sample(ledger.queuedBytes)
    metric("ai_gateway_ledger_disk_bytes", .gauge, "What all segments take.")
    sample(ledger.diskBytes)
    if let bound = ledger.diskBytesMax {
      metric(
        "ai_gateway_ledger_max_bytes", .gauge,
        "What all segments may take (--ledger-max-bytes); absent where there is no bound.")
      sample(bound)
    }
    metric("ai_gateway_ledger_segments", .gauge, "Segments on disk.")
    sample(ledger.segmentCount)
    metric("ai_gateway_ledger_flushes_total", .counter, "Batches that were flushed to disk.")
    sample(ledger.flushCount)
    metric(
      "ai_gateway_ledger_failures_total", .counter,
      "Writes and flushes that failed; each leaves its segment for good.")
    sample(ledger.failureCount)
    metric(
      "ai_gateway_ledger_carried_records", .gauge,
      "Records that wait in memory for the next segment.")
    sample(ledger.carriedCount)
    metric(
      "ai_gateway_ledger_refused_records_total", .counter,
      "Records of refusals and of the process itself for which there was no room.")
    sample(ledger.refusedCount)
    commitHistogram(
      "ai_gateway_ledger_commit_duration_seconds",
      "From a batch of records being taken until it is on disk.", commits)
  }
}
