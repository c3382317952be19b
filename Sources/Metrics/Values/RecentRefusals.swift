import Foundation

/// Refusals of one kind that came shortly one after another, as the admin page shows them.
package struct RefusalEvent: Sendable, Equatable {
  /// The latest of them.
  package var latest: RefusedExchange
  /// Unix milliseconds of the first of them.
  package var firstMs: Int64
  /// How many there were.
  package var count: Int
}

/// The latest refusals of one loop, at most `MetricLimits.refusalsMax`. A refusal of the same kind as
/// a recent one is counted with it, so that many equal ones do not displace all others.
///
/// The loop writes and the admin page reads, seldom, under a lock.
final class RecentRefusals: @unchecked Sendable {
  private let lock = NSLock()
  /// In no order. When it is full, a new event replaces the one that was updated longest ago.
  private var ring: [RefusalEvent] = []
  /// Where in `ring` the newest event of a kind is.
  private var places: [Kind: Int] = [:]

  /// What two refusals must have in common to be counted together.
  private struct Kind: Hashable {
    let tenant: String?
    let subject: String?
    let route: String?
    let model: String?
    let reason: String
    let limit: String?

    init(_ refused: RefusedExchange) {
      tenant = refused.tenant
      subject = refused.subject
      route = refused.route
      model = refused.model
      reason = refused.reason
      limit = refused.limit
    }
  }

  /// Adds a refusal. Only for the loop's thread.
  func add(_ refused: RefusedExchange) {
    let kind = Kind(refused)
    lock.withLock {
      if let place = places[kind],
        refused.timeMs - ring[place].latest.timeMs < MetricLimits.refusalRepeatMs
      {
        ring[place].latest = refused
        ring[place].count += 1
        return
      }
      let event = RefusalEvent(latest: refused, firstMs: refused.timeMs, count: 1)
      if ring.count < MetricLimits.refusalsMax {
        places[kind] = ring.count
        ring.append(event)
        return
      }
      let oldest = oldestPlace()
      let old = Kind(ring[oldest].latest)
      if places[old] == oldest { places[old] = nil }
      places[kind] = oldest
      ring[oldest] = event
    }
  }

  private func oldestPlace() -> Int {
    var oldest = 0
    for place in ring.indices where ring[place].latest.timeMs < ring[oldest].latest.timeMs {
      oldest = place
    }
    return oldest
  }

  /// The events, in no order.
  var events: [RefusalEvent] { lock.withLock { ring } }

  /// The events of several loops, newest first. Those of one kind that overlap in time are one event.
  static func merged(_ loops: [RecentRefusals]) -> [RefusalEvent] {
    var result: [RefusalEvent] = []
    var places: [Kind: Int] = [:]
    let all = loops.flatMap(\.events).sorted { $0.latest.timeMs > $1.latest.timeMs }
    for event in all {
      let kind = Kind(event.latest)
      if let place = places[kind],
        result[place].firstMs - event.latest.timeMs < MetricLimits.refusalRepeatMs
      {
        result[place].count += event.count
        result[place].firstMs = min(result[place].firstMs, event.firstMs)
      } else if result.count < MetricLimits.refusalsMax {
        places[kind] = result.count
        result.append(event)
      }
    }
    return result
  }
}
