import Books
import Ledger

/// Writes the page `/metrics` from the loops' counters, the books and `Facts`. Each thread that serves the
/// page has one of its own, whose buffer is used again for the next page.
package struct MetricsPage {
  /// What other parts of the program know.
  package struct Facts: Sendable {
    package var version: String
    /// Nil where no policy is loaded.
    package var policy: PolicyStatus?
    /// One for each target of `--ship`.
    package var ship: [ShipStatistics]
    /// Nil where the operating system does not tell.
    package var process: ProcessStatus?
    package var responseIDs: ResponseIDStatistics
    /// Nil without `--store`.
    package var store: StoreStatus?

    package init(
      version: String, policy: PolicyStatus? = nil, ship: [ShipStatistics] = [],
      process: ProcessStatus? = nil, responseIDs: ResponseIDStatistics = ResponseIDStatistics(),
      store: StoreStatus? = nil
    ) {
      self.version = version
      self.policy = policy
      self.ship = ship
      self.process = process
      self.responseIDs = responseIDs
      self.store = store
    }
  }

  private let registry: MetricsRegistry
  private let books: Books?
  private var page = Exposition()
  private var limits = LimitMetrics()

  /// - Parameter books: for the metrics of limits and of the ledger; nil leaves them out.
  package init(registry: MetricsRegistry, books: Books?) {
    self.registry = registry
    self.books = books
  }

  /// The page as of now. The bytes are valid until the next call, and returning them copies nothing.
  package mutating func render(_ facts: Facts) -> [UInt8] {
    page.clear()
    let limitBytes = books.map { limits.pageBytesAbout($0) } ?? 0
    page.reserve(registry.pageBytesAbout + limitBytes)
    page.build(version: facts.version)
    page.traffic(registry)
    if let books {
      limits.write(books, to: &page)
      page.limits(shadow: books.shadowCounts, thresholds: books.thresholdCounts)
      page.keys(books.usage.totals.lastUses)
      if let statistics = books.ledgerStatistics {
        page.ledger(statistics, commits: registry.commitDurations)
      }
    }
    if let policy = facts.policy { page.policy(policy) }
    page.shipping(facts.ship)
    page.responseIDs(facts.responseIDs)
    if let store = facts.store { page.store(store, calls: registry.storeCallDurations) }
    if let process = facts.process { page.process(process) }
    return page.bytes
  }
}

extension Exposition {
  /// Writes when each key was last used.
  mutating func keys(_ lastUses: [DayTotals.KeyName: Int64]) {
    metric(
      "ai_gateway_key_last_used_timestamp_seconds", .gauge,
      "When a request last came with this key, admitted or refused. A key that was never used has none."
    )
    for (key, timeMs) in lastUses {
      var labels = LabelText("tenant", key.tenant)
      labels.add("key_id", key.keyID)
      sample(text: labels.bytes[...], UInt64(max(0, timeMs)), per: 1_000)
    }
  }

  /// Writes the metrics of the ledger.
  mutating func ledger(_ ledger: LedgerStatistics, commits: Histogram) {
    metric(
      "ai_gateway_ledger_writable", .gauge,
      "1 when the ledger accepts admissions, 0 when all requests are refused.")
    sample(ledger.state == .writable)
    metric("ai_gateway_ledger_next_seq", .gauge, "The sequence number of the next record.")
    sample(ledger.nextSeq)
    metric(
      "ai_gateway_ledger_durable_seq", .gauge, "The sequence number of the last record on disk.")
    sample(ledger.durableSeq)
    metric("ai_gateway_ledger_queued_bytes", .gauge, "About how many bytes wait to be written.")
    sample(ledger.queuedBytes)
    metric("ai_gateway_ledger_disk_bytes", .gauge, "Bytes of all segments on disk.")
    sample(ledger.diskBytes)
    if let bound = ledger.diskBytesMax {
      metric(
        "ai_gateway_ledger_max_bytes", .gauge,
        "Bytes that all segments may have (--ledger-max-bytes); absent where there is no limit.")
      sample(bound)
    }
    metric(
      "ai_gateway_ledger_bytes_per_hour", .gauge,
      "Bytes that were written to the ledger in the last hour.")
    if let rate = ledger.bytesPerHour { sample(rate) }
    metric(
      "ai_gateway_ledger_hours_left", .gauge,
      "Hours until nothing is let through, at the last hour's rate and if targets that are behind take nothing."
    )
    if let hours = ledger.hoursLeft { sample(seconds: hours) }
    metric("ai_gateway_ledger_segments", .gauge, "Segments on disk.")
    sample(ledger.segmentCount)
    metric("ai_gateway_ledger_flushes_total", .counter, "Batches that were flushed to disk.")
    sample(ledger.flushCount)
    metric(
      "ai_gateway_ledger_failures_total", .counter,
      "Writes and flushes that failed. After each one the ledger goes on in a new segment.")
    sample(ledger.failureCount)
    metric(
      "ai_gateway_ledger_carried_records", .gauge,
      "Records that wait in memory for the next segment.")
    sample(ledger.carriedCount)
    metric(
      "ai_gateway_ledger_refused_records_total", .counter,
      "Records of refusals and of the process that were dropped because there was no room.")
    sample(ledger.refusedCount)
    secondsHistogram(
      "ai_gateway_ledger_commit_duration_seconds",
      "Time until a batch of records is on disk.", commits)
  }
}
