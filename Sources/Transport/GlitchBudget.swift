import Bytes

/// A token bucket for one kind of a peer's glitches: each takes a token; time and real work give
/// tokens back.
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

  /// Takes `cost` tokens; false, and nothing taken, when fewer are left.
  mutating func spend(_ cost: Int = 1, now: MonotonicTime) -> Bool {
    if tokens < cost { refill(now) }
    guard tokens >= cost else { return false }
    tokens -= cost
    return true
  }

  /// Gives `count` tokens back for real work, up to the burst.
  mutating func earn(_ count: Int) {
    tokens = min(tokens + count, limit.burst)
  }

  /// Adds the tokens for the time since the last refill. Whole tokens only; the time that is left
  /// over counts for the next refill.
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
