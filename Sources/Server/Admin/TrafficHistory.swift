import Bytes
import Metrics
import Terms

/// The last hour of the process's traffic, so that the page is full when it is opened: readings of the
/// counters since the start, one each `intervalSeconds`.
///
/// One thread calls `tick`, any thread reads.
package final class TrafficHistory: Sendable {
  package static let intervalSeconds: Int64 = 10
  /// An hour's.
  package static let pointsMax = 361

  /// One reading.
  struct Point: Sendable, Equatable {
    /// Unix milliseconds.
    var timeMs: Int64
    var totals: TrafficTotals
  }

  private struct State: Sendable {
    var points: [Point] = []
    /// When the next is due, on a clock that no wall clock moves.
    var dueSeconds: Int64 = .min
  }

  private let state = Locked(State())

  package init() {}

  /// Takes a reading where one is due; call it about once a second.
  package func tick(_ metrics: MetricsRegistry) {
    tick(
      monotonicSeconds: SystemClock.monotonicNanoseconds() / 1_000_000_000,
      wallMs: SystemClock.wallNanoseconds() / 1_000_000, { metrics.totals })
  }

  /// The same at given times.
  func tick(monotonicSeconds now: Int64, wallMs: Int64, _ totals: () -> TrafficTotals) {
    guard state.withLock({ $0.dueSeconds <= now }) else { return }
    // Outside of the lock: it reads the sums of every tenant.
    let point = Point(timeMs: wallMs, totals: totals())
    state.withLock { state in
      state.dueSeconds = now + Self.intervalSeconds
      if state.points.count == Self.pointsMax { state.points.removeFirst() }
      state.points.append(point)
    }
  }

  /// The readings, oldest first.
  var points: [Point] { state.withLock { $0.points } }

  /// `/api/v1/history`: what a reading says, one list for each field.
  var json: [UInt8] {
    let points = points
    var json = JSONWriter()
    json.object { json in
      json.field("interval_seconds", Self.intervalSeconds)
      json.array("time") { json in
        for point in points { json.value(UTCTime.string(point.timeMs)) }
      }
      for (name, value) in [
        ("requests", \TrafficTotals.requests), ("denials", \.denials),
        ("prompt_tokens", \.promptTokens), ("completion_tokens", \.completionTokens),
        ("inflight", \.inflight),
      ] as [(StaticString, KeyPath<TrafficTotals, UInt64>)] {
        json.array(name) { json in
          for point in points { json.value(Int64(clamping: point.totals[keyPath: value])) }
        }
      }
      json.array("cost_usd") { json in
        for point in points {
          json.value(Dollars.text(Int64(clamping: point.totals.costNanodollars)))
        }
      }
    }
    return json.bytes
  }
}
