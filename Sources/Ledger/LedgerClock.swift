import Bytes

/// The ledger's time: the wall clock's Unix milliseconds, except that it never runs backwards. A
/// value; lives under the same lock as the counters.
package struct LedgerClock: Sendable {
  /// A step of the wall clock, beyond what really passed, that is worth a record.
  package static let jumpMs: Int64 = 5_000

  /// The latest time given out.
  package private(set) var nowMs: Int64
  private var wallMs: Int64?
  private var monotonicMs: Int64 = 0

  /// Goes on after the last record's time.
  package init(after nowMs: Int64) { self.nowMs = nowMs }

  /// The time now, and the jump where the wall clock went backwards at all, or differs from what
  /// passed on the monotonic clock by `jumpMs` or more. The first reading is held against the last
  /// record's time only for running backwards.
  package mutating func read(
    wallMs: Int64, monotonicMs: Int64
  ) -> (timeMs: Int64, jump: ClockJump?) {
    let wallMs = min(max(wallMs, 0), UTCTime.millisecondsMax)
    let expected = self.wallMs.map { $0 + (monotonicMs - self.monotonicMs) } ?? max(wallMs, nowMs)
    let wentBack = self.wallMs.map { wallMs < $0 } ?? (wallMs < nowMs)
    let step = wallMs - expected
    let isJump = wentBack || step.magnitude >= UInt64(Self.jumpMs)
    self.wallMs = wallMs
    self.monotonicMs = monotonicMs
    nowMs = max(nowMs, wallMs)
    return (nowMs, isJump ? ClockJump(wallMs: wallMs, jumpMs: step) : nil)
  }
}
