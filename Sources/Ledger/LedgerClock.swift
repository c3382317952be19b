import Bytes

/// The ledger's time: the wall clock in Unix milliseconds, except that it never runs backwards. It
/// is guarded by the same lock as the counters.
package struct LedgerClock: Sendable {
  /// The smallest step of the wall clock, compared with the monotonic clock, that is recorded.
  package static let jumpMs: Int64 = 5_000

  /// The latest time that `read` returned.
  package private(set) var nowMs: Int64
  private var wallMs: Int64?
  private var monotonicMs: Int64 = 0

  /// A clock that never returns a time before that of the last record.
  package init(after nowMs: Int64) { self.nowMs = nowMs }

  /// The time now; and a jump where the wall clock went backwards at all, or where its step differs
  /// from the monotonic clock's by `jumpMs` or more. At the first reading there is no step: it is a
  /// jump only where the wall clock is before the last record's time.
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
