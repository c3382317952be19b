/// The clock's steps: time that passes, and time that only a clock says has passed.
extension QuotaTable {
  /// Since when the time that the table is given runs without a step, in Unix milliseconds.
  package var clockSinceMs: Int64 { windows.sinceMs }

  /// Another process goes on with the counters, from `now` on; the last one's time had come to `last`.
  /// Buckets refill for the difference. Where that is long, windows are kept as if the clock had
  /// stepped: a clock that was wrong then or is wrong now cannot be told from a long pause.
  package mutating func resume(after last: Int64, at now: Int64) {
    guard now.minusSaturating(last) >= Self.pauseMs else { return }
    advanceAll(to: last)
    windows.sinceMs = now
  }

  /// A pause between two processes that may be a step: a shorter one makes no window over that had not
  /// ended before it.
  private static let pauseMs: Int64 = 86_400_000

  /// The clock was set: what ran up to `from` goes on at `to`. Nothing is refilled for the difference,
  /// and no window is forgotten for it.
  package mutating func step(from: Int64, to: Int64) {
    advanceAll(to: from)
    for place in counters.indices { counters[place].count.step(to: to) }
    // These were times of the old clock.
    for index in tallies.indices { tallies[index].expectIdle(at: 0) }
    windows.sinceMs = to
    guard sharing != nil else { return }
    let step = to.minusSaturating(from)
    sharing!.nowAheadMs = sharing!.nowAheadMs.plusSaturating(step)
    if sharing!.storeAheadMs != nil { windows.aheadMs = windows.aheadMs.minusSaturating(step) }
  }

  /// A checkpoint says since when its time runs without a step.
  package mutating func clockRuns(since ms: Int64) { windows.sinceMs = ms }

  private mutating func advanceAll(to now: Int64) {
    for place in counters.indices { counters[place].count.advance(to: now, windows: &windows) }
  }
}
