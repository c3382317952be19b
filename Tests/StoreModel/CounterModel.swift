import Quota

/// A counter as the store keeps it.
package struct CounterModel: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case budget(start: Int64, end: Int64)
    case bucket
    case slots
  }

  /// What the store keeps for a holder.
  package struct Share: Sendable, Equatable {
    package var start: Int64
    package var number: Int64
    package var nonce: UInt32
    package var hold: Int64
    package var unspent: Int64
    /// Of a budget.
    package var settled: Int64 = 0
    /// Of a budget: in which of the counter's openings it stated last.
    package var generation: Int64 = 0
    /// Not kept of a budget.
    package var heardMs: Int64 = 0
  }

  package let kind: Kind
  /// Of a budget with what is `gone`; of a bucket, what is missing to its capacity.
  package internal(set) var sum: Int64 = 0
  package internal(set) var settled: Int64 = 0
  /// What was seen in use before an opening, and is claimed by nobody since.
  package internal(set) var gone: Int64 = 0
  /// Which opening of the partition the counter was last stated in.
  package internal(set) var openingMs: Int64 = -1
  package internal(set) var generation: Int64 = 0
  /// Of a bucket: the last caller's amount and period.
  package internal(set) var amount: Int64 = 0
  package internal(set) var period: Int64 = 0
  /// Up to when it was refilled, and what is above that: units times milliseconds, below `period`.
  package internal(set) var refilledMs: Int64 = 0
  package internal(set) var rest: Int64 = 0
  /// Of a bucket: the unspent of all holders.
  package internal(set) var unspent: Int64 = 0
  package internal(set) var shortMs: Int64 = -StoreLimits.shortMs
  package internal(set) var sweptMs: Int64 = -StoreLimits.sweepMs
  package internal(set) var holders: [String: Share] = [:]
  package internal(set) var expiresMs: Int64 = 0

  init(kind: Kind) { self.kind = kind }

  /// Refills a bucket at the smaller of the last two callers' amounts, down to what is leased.
  mutating func refill(
    amount next: Int64, period nextPeriod: Int64, at nowMs: Int64, overSlices: Bool = false
  ) {
    let leased = overSlices ? 0 : unspent
    if period == nextPeriod && nowMs > refilledMs {
      let (units, rest) = Self.refill(
        min(amount, next), period: period, elapsedMs: nowMs - refilledMs, rest: rest)
      if units >= Int128(sum - leased) {
        sum = leased
        self.rest = 0
      } else {
        sum -= Int64(units)
        self.rest = rest
      }
    } else if period != nextPeriod {
      rest = 0
    }
    refilledMs = max(refilledMs, nowMs)
    amount = next
    period = nextPeriod
  }

  static func refill(
    _ amount: Int64, period: Int64, elapsedMs: Int64, rest: Int64
  ) -> (units: Int128, rest: Int64) {
    let elapsed = min(elapsedMs, StoreLimits.refillMs)
    let scaled = Int128(amount) * Int128(elapsed) + Int128(rest)
    return (scaled / Int128(period), Int64(scaled % Int128(period)))
  }

  func isShort(at nowMs: Int64) -> Bool {
    nowMs >= shortMs && nowMs - shortMs < StoreLimits.shortMs
  }

  /// Looks for holders that are silent: takes their slots back, or stops holding room for what they
  /// leased. At most once a second; a counter with more than a few hundred holders is looked
  /// through by the scripts in parts, here at once.
  mutating func sweep(except caller: CallerModel) {
    let nowMs = caller.nowMs
    guard nowMs < sweptMs || nowMs - sweptMs >= StoreLimits.sweepMs else { return }
    sweptMs = nowMs
    let keptMs =
      caller.leaseMs + (kind == .slots ? StoreLimits.keepMs : StoreLimits.bucketHolderMs)
    for (ledger, share) in holders where ledger != caller.holder.ledger {
      let silentMs = nowMs - share.heardMs
      guard silentMs >= caller.leaseMs else { continue }
      if kind == .slots {
        sum -= share.hold
        holders[ledger]?.hold = 0
      } else {
        unspent -= share.unspent
      }
      holders[ledger]?.unspent = 0
      if silentMs >= keptMs { holders[ledger] = nil }
    }
  }
}
