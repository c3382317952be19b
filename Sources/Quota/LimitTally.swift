import Terms

/// One limit and where its counters are.
struct LimitTally {
  let rule: LimitRule
  let name: String
  /// The rule's plain parts, which every request reads: copying the rule would count references.
  let kind: LimitKind
  let scope: LimitScope
  let capacity: Int64
  let isGlobal: Bool
  /// Out of the policy: kept until its counters have run out, for it may come back.
  var isRetired = false
  /// The owner's one counter.
  private(set) var single: Int?
  private(set) var byPart: [String: Int] = [:]
  /// Places of `byPart` in the order the sweep goes, and where each stands in it.
  private(set) var ring: [Int] = []
  private var hand = 0
  /// Before this time no counter can be forgotten: a sweep would find none.
  private var sweepTime: Int64 = 0

  init(rule: LimitRule, name: String) {
    self.rule = rule
    self.name = name
    kind = rule.kind
    scope = rule.scope
    capacity = rule.capacity
    isGlobal = rule.isGlobal
  }

  /// Which of the caller's names its counter goes by.
  func part(of caller: Caller) -> String {
    switch scope {
    case .owner: ""
    case .tenant: caller.tenant
    case .key: caller.keyID ?? ""
    case .subject: caller.subject
    }
  }

  func place(of part: String) -> Int? { scope == .owner ? single : byPart[part] }

  var places: [Int] { single.map { [$0] } ?? ring }
  var isFull: Bool { scope != .owner && byPart.count >= rule.subjectsMax }

  mutating func add(_ place: Int, part: String) {
    guard scope != .owner else {
      single = place
      return
    }
    byPart[part] = place
    ring.append(place)
  }

  /// A counter that was in use may be idle at `time`.
  mutating func expectIdle(at time: Int64) { sweepTime = min(sweepTime, time) }

  func mayHaveIdle(now: Int64) -> Bool { now >= sweepTime }

  /// The earliest moment at which there may be room; `now` where that is open.
  func roomTime(now: Int64) -> Int64 { max(now, sweepTime) }

  /// Counters forgotten in one go: enough that the next callers need no sweep.
  private static let forgottenMax = 256

  /// Takes out counters that are idle and returns their places: up to `forgottenMax`, and none only
  /// where there is none. Whole rounds in vain are made only when some counter may have become idle.
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
        byPart[counters[place].part] = nil
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
