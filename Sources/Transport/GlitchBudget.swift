import Bytes

/// A token bucket for a peer's senseless acts: they spend, time and real work refill.
struct GlitchBudget {
  private let limit: GlitchLimit
  private var tokens: Int
  private var refilledAt: MonotonicTime

  /// A full bucket.
  init(_ limit: GlitchLimit, now: MonotonicTime) {
    self.limit = limit
    self.tokens = limit.burst
    self.refilledAt = now
  }

  /// Takes `cost`; false when there was not as much left.
  mutating func spend(_ cost: Int = 1, now: MonotonicTime) -> Bool {
    if tokens < cost { refill(now) }
    guard tokens >= cost else { return false }
    tokens -= cost
    return true
  }

  /// Gives `count` back for real work done, up to the burst.
  mutating func earn(_ count: Int) {
    tokens = min(tokens + count, limit.burst)
  }

  /// Adds what the time since the last refill is worth. Whole tokens only; the rest of the time
  /// is kept for the next one.
  private mutating func refill(_ now: MonotonicTime) {
    guard now > refilledAt, limit.perSecond > 0 else { return }
    let elapsed = now.nanoseconds - refilledAt.nanoseconds
    let nanosecondsPerToken = max(1, 1_000_000_000 / Int64(limit.perSecond))
    let gained = elapsed / nanosecondsPerToken
    guard gained > 0 else { return }
    if gained >= Int64(limit.burst - tokens) {
      tokens = limit.burst
      refilledAt = now
    } else {
      tokens += Int(gained)
      refilledAt = refilledAt.advanced(byNanoseconds: gained * nanosecondsPerToken)
    }
  }
}
