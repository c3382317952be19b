import Ledger

/// The steps of the wall clock since the start, for the log and for pages.
struct ClockSteps: Sendable {
  /// The most steps that wait to be told; of more, the newest.
  static let untoldMax = 16

  /// How many there were.
  private(set) var count: Int64 = 0
  /// The newest.
  private(set) var last: ClockJump?
  private var untold: [ClockJump] = []
  /// How far the wall clock was set ahead, and when last, on the clock that counts the time that passes.
  private var aheadMs: Int64 = 0
  private var aheadAtMs: Int64 = 0

  /// How long a wall clock that was set ahead ends no segment's time of retention: as long as it takes
  /// to see that it is wrong.
  static let doubtedForMs: Int64 = 86_400_000

  /// How far ahead the wall clock was set in the last day.
  func doubtedMs(monotonicMs: Int64) -> Int64 {
    monotonicMs - aheadAtMs < Self.doubtedForMs ? aheadMs : 0
  }

  /// The wall clock was set.
  mutating func add(_ jump: ClockJump, monotonicMs: Int64) {
    aheadMs = max(0, doubtedMs(monotonicMs: monotonicMs) + jump.jumpMs)
    if jump.jumpMs > 0 { aheadAtMs = monotonicMs }
    count += 1
    last = jump
    if untold.count >= Self.untoldMax { untold.removeFirst() }
    untold.append(jump)
  }

  /// Those that were not told before.
  mutating func takeUntold() -> [ClockJump] {
    defer { untold = [] }
    return untold
  }
}

/// The ledger's time, for pages.
package struct ClockReading: Sendable {
  /// In Unix milliseconds.
  package let timeMs: Int64
  /// How often the wall clock was set since the start.
  package let stepCount: Int64
  /// The last time; nil where it was not.
  package let last: ClockJump?
}
