import Terms

/// One limit, and the places of its counters in the table.
struct LimitTally {
  let rule: LimitRule
  /// The limit's name, as `CounterName.limit` writes it.
  let name: String
  /// Copies of the rule's fields that every request reads: to copy the whole rule would retain and
  /// release its strings each time.
  let kind: LimitKind
  let scope: LimitScope
  private let capacity: Int64
  let spansTenants: Bool
  let isShadow: Bool
  private let hasRaises: Bool
  let warns: Bool
  /// Whether the limit left the policy. It is kept as long as one of its counters is in use,
  /// because the next policy may have it again.
  var isRetired = false
  /// The place of the only counter of a limit with scope `owner`.
  private(set) var single: Int?
  /// The places of all others' counters, by the tenant, key or subject that they are for.
  private(set) var byScopeValue: [String: Int] = [:]
  /// The places in `byScopeValue`, in the order in which `forget` looks at them.
  private(set) var ring: [Int] = []
  /// Where in `ring` the next `forget` begins.
  private var hand = 0
  /// No counter can be forgotten before this time.
  private var sweepTime: Int64 = 0

  init(rule: LimitRule, name: String) {
    self.rule = rule
    self.name = name
    kind = rule.kind
    scope = rule.scope
    capacity = rule.capacity
    spansTenants = rule.spansTenants
    isShadow = rule.isShadow
    hasRaises = !rule.raises.isEmpty
    warns = !rule.warnAt.isEmpty
  }

  /// The caller's tenant, key or subject, whichever selects this limit's counter; empty for scope
  /// `owner`.
  func scopeValue(of caller: Caller) -> String {
    switch scope {
    case .owner: ""
    case .tenant: caller.tenant
    case .key: caller.keyID ?? ""
    case .subject: caller.subject
    }
  }

  /// The most that could be taken at once at that moment.
  func capacity(at now: Int64) -> Int64 { hasRaises ? rule.amount(at: now) : capacity }

  func place(of scopeValue: String) -> Int? { scope == .owner ? single : byScopeValue[scopeValue] }

  var places: [Int] { single.map { [$0] } ?? ring }
  var isFull: Bool { scope != .owner && byScopeValue.count >= rule.subjectsMax }

  /// Adds a counter that is at that place in the table.
  mutating func add(_ place: Int, scopeValue: String) {
    guard scope != .owner else {
      single = place
      return
    }
    byScopeValue[scopeValue] = place
    ring.append(place)
  }

  /// Notes that a counter which was in use may be forgotten from `time` on.
  mutating func expectIdle(at time: Int64) { sweepTime = min(sweepTime, time) }

  /// Whether `forget` may find a counter to forget.
  func mayHaveIdle(now: Int64) -> Bool { now >= sweepTime }

  /// The earliest time at which a counter may be forgotten; `now` where that is not known.
  func roomTime(now: Int64) -> Int64 { max(now, sweepTime) }

  /// The most counters that one call of `forget` takes out: enough that the next new callers find
  /// room without another search.
  private static let forgottenMax = 256

  /// Takes out counters that equal new ones and returns their places: at most `forgottenMax`, and
  /// at least one where there is one. Where it finds none, it sets the time before which the next
  /// search would find none either.
  mutating func forget(
    _ counters: inout [Counter], now: Int64, windows: inout CalendarWindows
  ) -> [Int] {
    var forgotten: [Int] = []
    var earliest = Int64.max
    var left = ring.count
    while left > 0, forgotten.count < Self.forgottenMax {
      left -= 1
      if hand >= ring.count { hand = 0 }
      let place = ring[hand]
      counters[place].count.advance(to: now, windows: &windows)
      let idle = counters[place].idleTime(now: now)
      if idle <= now {
        forgotten.append(place)
        byScopeValue[counters[place].scopeValue] = nil
        ring.swapAt(hand, ring.count - 1)
        ring.removeLast()
      } else {
        earliest = min(earliest, idle)
        hand += 1
      }
    }
    if forgotten.isEmpty { sweepTime = earliest }
    return forgotten
  }
}
