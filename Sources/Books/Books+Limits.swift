import Policy
import Quota
import Terms

/// Reads the state of limits, for pages and metrics. The lock is released after a few limits, so
/// that an admission never waits for a whole page.
extension Books {
  /// For each of these tenants: its limits, those of its keys, and its slots in each traffic class.
  package func limitStates(ofTenants tenants: [String]) -> [[LimitState]] {
    let limits = currentLimits
    return tenants.map { states(limits.places(ofTenant: $0), limits) }
  }

  /// The limits that count all tenants together.
  package func globalLimitStates() -> [LimitState] {
    let limits = currentLimits
    return states(limits.globalPlaces, limits)
  }

  /// The limits of the groups that these tenants are in; each group once.
  package func groupLimitStates(
    ofTenants tenants: [String]
  ) -> [(group: TenantGroup, limits: [LimitState])] {
    let limits = currentLimits
    return limits.groupPlaces(ofTenants: tenants).map { ($0.group, states($0.places, limits)) }
  }

  private func states(_ places: [PolicyLimits.Place], _ limits: PolicyLimits) -> [LimitState] {
    var states: [LimitState] = []
    states.reserveCapacity(places.count)
    let marks = currentMarks
    forEachReading(places, limits) { place, reading, count, nowMs in
      states.append(Self.state(places[place], reading, count, nowMs, limits, marks))
    }
    return states
  }

  /// How a limit stands: its place, its tightest counter, how many counters it has, and the ledger's
  /// time of that.
  private typealias PlaceReading = (place: Int, CounterReading, count: Int, nowMs: Int64)

  /// Calls `body` for each place, with its index in `places`, the limit's tightest counter, how
  /// many counters the limit has, and the ledger's time. Ends early where a reload puts other
  /// limits in force. Leaves out a tenant's slots of a traffic class for which it has no counter.
  /// The counters are read under the lock, a few at a time; `body` is called without it.
  package func forEachReading(
    _ places: [PolicyLimits.Place], _ limits: PolicyLimits,
    _ body: (_ place: Int, CounterReading, _ count: Int, _ nowMs: Int64) -> Void
  ) {
    var next = 0
    var readings: [PlaceReading] = []
    readings.reserveCapacity(min(places.count, LimitState.limitsPerHold))
    while next < places.count {
      readings.removeAll(keepingCapacity: true)
      guard let isScoped = read(places, limits, from: &next, into: &readings) else { return }
      for (place, reading, count, nowMs) in readings { body(place, reading, count, nowMs) }
      if isScoped {
        guard let (reading, count, nowMs) = scan(places[next - 1].rule, limits) else { return }
        body(next - 1, reading, count, nowMs)
      }
    }
  }

  /// Reads limits that have one counter, in one hold of the lock, up to the first that has several:
  /// true where `next` is behind such a one. nil where other limits are in force.
  private func read(
    _ places: [PolicyLimits.Place], _ limits: PolicyLimits, from next: inout Int,
    into readings: inout [PlaceReading]
  ) -> Bool? {
    let first = next
    return look(at: limits) { table, now -> Bool in
      while next < places.count, next < first + LimitState.limitsPerHold {
        let place = places[next]
        next += 1
        switch limits.catalog.rules[place.rule].scope {
        case .key, .subject: return true
        case .tenant where !table.hasCounter(ofRule: place.rule, scopeValue: place.scopeValue):
          continue
        case .owner, .tenant: break
        }
        let reading = table.reading(ofRule: place.rule, scopeValue: place.scopeValue, now: now)
        readings.append((next - 1, reading, 1, now))
      }
      return false
    }
  }

  /// The tightest of a limit's many counters, of which each hold of the lock reads a part. nil where
  /// other limits are in force.
  private func scan(
    _ rule: Int, _ limits: PolicyLimits
  ) -> (CounterReading, count: Int, nowMs: Int64)? {
    var scan = CounterScan()
    while true {
      let read = look(at: limits) { table, now -> (CounterReading, count: Int, nowMs: Int64)? in
        table.advance(&scan, ofRule: rule, most: LimitState.countersPerHold, now: now)
        guard scan.isOver else { return nil }
        let reading = scan.tightest ?? table.reading(ofRule: rule, scopeValue: "", now: now)
        return (reading, scan.count, now)
      }
      guard let read else { return nil }
      if let read { return read }
    }
  }

  private static func state(
    _ place: PolicyLimits.Place, _ reading: CounterReading, _ count: Int, _ nowMs: Int64,
    _ limits: PolicyLimits, _ marks: LimitMarks
  ) -> LimitState {
    let rule = limits.catalog.rules[place.rule]
    // The limit of one key has one counter: it is shown even where no request has made it yet.
    var (count, keyID) = (count, rule.scope == .key && count > 0 ? reading.scopeValue : nil)
    if case .key(let id) = place.owner, rule.scope == .key { (count, keyID) = (1, id) }
    let limit = limits.limit(ofRule: place.rule)
    return LimitState(
      name: rule.name, owner: place.owner, plan: limit?.plan, kind: rule.kind.rawValue,
      per: rule.window.periodName,
      scope: rule.scope.stateScope, models: limit?.models, amount: rule.amount,
      capacity: reading.capacity, used: reading.used, reserved: reading.reserved,
      remaining: reading.remaining, warnAt: rule.warnAt, warned: reading.told,
      raises: rule.raises, shadow: rule.isShadow ? marks.shadow(rule.owner, rule.name) : nil,
      resetsAtMs: reading.resetMilliseconds.map { min($0, Int64.max - nowMs) + nowMs },
      counters: count, keyID: keyID,
      subject: rule.scope == .subject && count > 0 ? reading.scopeValue : nil)
  }
}

extension LimitScope {
  /// The scope as the policy names it. A class's slots count by tenant, and are shown with the
  /// tenant.
  fileprivate var stateScope: LimitState.Scope {
    switch self {
    case .owner, .tenant: .tenant
    case .key: .key
    case .subject: .subject
    }
  }
}

extension LimitWindow {
  /// The policy's word for it, the value of `per`; nil for slots.
  package var periodName: String? {
    switch self {
    case .bucket(let period, _):
      switch period {
      case 1_000: "second"
      case 60_000: "minute"
      default: "hour"
      }
    case .calendar(.day): "day"
    case .calendar(.week): "week"
    case .calendar(.month): "month"
    case .slots: nil
    }
  }
}
