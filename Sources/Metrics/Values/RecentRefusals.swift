import Bytes

/// A refusal as the page shows it: the latest of its kind, and how many there were.
package struct RefusalEvent: Sendable, Equatable {
  package var latest: RefusedExchange
  /// Unix milliseconds of the first.
  package var firstMs: Int64
  package var count: Int
}

/// The last refusals of one loop, bounded. What is like one of a moment ago is counted with it, so
/// that a flood does not push the others out.
///
/// The loop writes, the page reads: a lock that nobody waits for but once in a while.
package final class RecentRefusals: Sendable {
  private let ring = Locked(Ring())

  package init() {}

  package func add(_ refused: RefusedExchange) { ring.withLock { $0.add(refused) } }

  package var events: [RefusalEvent] { ring.withLock { $0.events } }

  /// Of several loops, newest first; what is alike and overlaps is counted together.
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

extension RecentRefusals {
  /// What makes two refusals alike.
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

  /// What the lock guards.
  private struct Ring: Sendable {
    /// Once it is full a new one takes the place of the one that was touched longest ago.
    private(set) var events: [RefusalEvent] = []
    private var places: [Kind: Int] = [:]

    mutating func add(_ refused: RefusedExchange) {
      let kind = Kind(refused)
      if let place = places[kind],
        refused.timeMs - events[place].latest.timeMs < MetricLimits.refusalRepeatMs
      {
        events[place].latest = refused
        events[place].count += 1
        return
      }
      let event = RefusalEvent(latest: refused, firstMs: refused.timeMs, count: 1)
      if events.count < MetricLimits.refusalsMax {
        places[kind] = events.count
        events.append(event)
        return
      }
      let oldest = oldestPlace()
      let old = Kind(events[oldest].latest)
      if places[old] == oldest { places[old] = nil }
      places[kind] = oldest
      events[oldest] = event
    }

    private func oldestPlace() -> Int {
      var oldest = 0
      for place in events.indices where events[place].latest.timeMs < events[oldest].latest.timeMs {
        oldest = place
      }
      return oldest
    }
  }
}
