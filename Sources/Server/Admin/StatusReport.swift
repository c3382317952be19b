import Books
import Bytes
import Ledger
import Metrics

/// `/api/v1/status`: the process, its policy, its ledger, the targets that records are shipped
/// to, and the store that limits are shared through.
///
/// On the admin server's thread.
struct StatusReport {
  let state: ServingState
  let now: ServingState.Values

  /// The whole answer.
  var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      let reasons = now.reasons
      json.field("version", Version.string)
      json.field("now", UTCTime.string(nanoseconds: SystemClock.wallNanoseconds()))
      json.field("started", UTCTime.string(nanoseconds: state.startedNanoseconds))
      json.field("uptime_seconds", state.uptimeSeconds)
      json.field("ready", reasons.isEmpty)
      json.field("reasons", reasons)
      json.field("draining", now.isDraining)
      json.field("inflight", Int64(clamping: state.metrics.inflight))
      policy(&json)
      ledger(&json)
      if let books = now.books {
        json.object("usage") { UsageSums(books).add(to: &$0) }
      } else {
        json.null("usage")
      }
      json.array("ship") { json in
        for target in now.ship() { Self.add(target, to: &json) }
      }
      StoreReport(status: now.store()).add(to: &json)
    }
    return json.bytes
  }

  private func policy(_ json: inout JSONWriter) {
    guard let policy = now.policyStatus else { return json.field("policy", nil as String?) }
    json.object("policy") { json in
      json.field("revision", policy.revision)
      json.field("generation", policy.generation)
      json.field("loaded_at", timeMs: policy.loadedAtMs)
      json.field("reloads", policy.replaced)
      json.field("refused", policy.refused)
      json.field("tenants", policy.tenants)
      json.field("models", policy.models)
      json.field("problems", policy.problems)
      json.field("warnings", policy.warnings)
    }
  }

  private func ledger(_ json: inout JSONWriter) {
    guard let ledger = now.books?.ledgerStatistics else {
      return json.field("ledger", nil as String?)
    }
    json.object("ledger") { json in
      switch ledger.state {
      case .writable:
        json.field("state", "writable")
        json.field("reason", nil as String?)
      case .unavailable(let reason):
        json.field("state", "unavailable")
        json.field("reason", reason.description)
      }
      json.field("next_seq", ledger.nextSeq)
      json.field("durable_seq", ledger.durableSeq)
      json.field("queued_bytes", ledger.queuedBytes)
      json.field("disk_bytes", ledger.diskBytes)
      json.field("max_bytes", ledger.diskBytesMax)
      json.field("bytes_per_hour", ledger.bytesPerHour)
      json.field("hours_left", ledger.hoursLeft)
      json.field("segments", ledger.segmentCount)
      json.field("flushes", ledger.flushCount)
      json.field("failures", ledger.failureCount)
      json.field("carried", ledger.carriedCount)
      json.field("refused", ledger.refusedCount)
      if let clock = now.books?.clockReading { Self.add(clock, to: &json) }
    }
  }

  private static func add(_ clock: ClockReading, to json: inout JSONWriter) {
    json.object("clock") { json in
      json.field("time", timeMs: clock.timeMs)
      json.field("steps", clock.stepCount)
      guard let last = clock.last else { return json.field("last", nil as String?) }
      json.object("last") { json in
        json.field("from", timeMs: last.wallMs - last.jumpMs)
        json.field("to", timeMs: last.wallMs)
        json.field("jump_ms", last.jumpMs)
      }
    }
  }

  private static func add(_ target: ShipStatistics, to json: inout JSONWriter) {
    json.object { json in
      json.field("target", target.target)
      json.field("state", target.state.rawValue)
      json.field("acknowledged_seq", target.acknowledgedSeq)
      json.field("lag_records", target.lagRecords)
      json.field("lag_seconds", target.lagSeconds)
      json.field("shipped", Int64(clamping: target.shipped))
      json.field("retries", Int64(clamping: target.retries))
      json.field("rejected", Int64(clamping: target.rejected))
      json.field("dropped", Int64(clamping: target.dropped))
      json.field("damaged", Int64(clamping: target.damaged))
      json.field("last_error", target.lastError)
      json.field("last_success", timeMs: target.lastSuccessMs)
    }
  }
}
