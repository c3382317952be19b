import Bytes

/// The ledger's time in Unix milliseconds: the wall clock's as it was when it was last believed, plus
/// what CLOCK_BOOTTIME has counted since. So a wall clock that somebody sets is noticed, and the time
/// between two records is the time that passed.
///
/// It steps only where the caller has a `clock` record that says so: `read` finds the step, and
/// `believe` makes it. It is guarded by the same lock as the counters.
package struct LedgerClock: Sendable {
  /// How far the wall clock may be from the ledger's time before it is believed: a leap second and
  /// what a time service adds and takes away are no steps.
  package static let toleranceMs: Int64 = 1_000

  /// The latest time that `read` returned.
  package private(set) var nowMs: Int64
  /// When the wall clock was last believed, by both clocks; nil before the first reading.
  private var anchor: (timeMs: Int64, bootMs: Int64)?
  /// Whether a wall clock that is behind at all is believed: after a start.
  private var isStrict = true

  /// A clock behind a record of that time: no time before it is returned without a step.
  package init(after nowMs: Int64) { self.nowMs = nowMs }

  /// The time now; and a step where the wall clock says something else. At the first reading the wall
  /// clock is believed, unless it is before the last record's time: then that is a step.
  package mutating func read(
    wallMs: Int64, monotonicMs: Int64
  ) -> (timeMs: Int64, jump: ClockJump?) {
    let wallMs = min(max(wallMs, 0), UTCTime.millisecondsMax)
    let anchor = anchor ?? (max(wallMs, nowMs), monotonicMs)
    self.anchor = anchor
    let passed = max(0, monotonicMs.subtractingReportingOverflow(anchor.bootMs).partialValue)
    nowMs = min(max(nowMs, anchor.timeMs + min(passed, Self.passedMax)), UTCTime.millisecondsMax)
    let step = wallMs - nowMs
    if step >= 0 { isStrict = false }
    guard step.magnitude > UInt64(Self.toleranceMs) || isStrict && step < 0 else {
      return (nowMs, nil)
    }
    return (nowMs, ClockJump(fromMs: nowMs, wallMs: wallMs))
  }

  private static let passedMax = UTCTime.millisecondsMax

  /// Makes the step that `read` has just found.
  package mutating func believe(_ jump: ClockJump, monotonicMs: Int64) {
    goOn(at: jump.wallMs, monotonicMs)
    isStrict = false
  }

  /// Goes on at the last record's time, because the record of the step behind it was not written. The
  /// next reading finds the step again.
  package mutating func resume(at timeMs: Int64, monotonicMs: Int64) {
    goOn(at: timeMs, monotonicMs)
    isStrict = true
  }

  private mutating func goOn(at timeMs: Int64, _ monotonicMs: Int64) {
    nowMs = timeMs
    anchor = (timeMs, monotonicMs)
  }
}
