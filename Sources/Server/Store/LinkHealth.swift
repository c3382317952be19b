import Bytes
import Redis
import Shipping

/// Whether a server can be counted on, by what became of connecting and of what it was asked; and when
/// it is tried again. A value; times are milliseconds of the loop's clock.
struct LinkHealth {
  private var backoff = Backoff(first: RedisLimits.backoffFirst, max: RedisLimits.backoffMax)
  /// How many connections in a row came to nothing. One that was of use and is gone counts as one.
  private(set) var failures = 0
  /// Whether the last connection was given up because of an answer: a new one alone proves nothing.
  private var isDoubted = false
  /// Since when it answers statements with errors only.
  private var refusingSinceMs: Int64?
  /// When a server that refuses is tried again.
  private var tryMs: Int64 = 0
  /// Whether it is being tried: it counts as reached until its next answer says otherwise.
  private var isOnTrial = false

  /// Whether it can no longer be counted on. `silentSinceMs`: since when it owes an answer.
  func isLost(silentSinceMs: Int64?, nowMs: Int64) -> Bool {
    if let silentSinceMs, Self.isOver(silentSinceMs, nowMs) { return true }
    guard !isOnTrial else { return false }
    return failures >= 2 || refusingSinceMs.map { Self.isOver($0, nowMs) } ?? false
  }

  private static func isOver(_ sinceMs: Int64, _ nowMs: Int64) -> Bool {
    nowMs - sinceMs >= RedisLimits.silenceMax.wholeMilliseconds
  }

  /// There is a connection, and the server is one that can be the store.
  mutating func connected() {
    if isDoubted {
      isOnTrial = true
    } else {
      failures = 0
      backoff.reset()
    }
  }

  /// The connection is to be given up because of what was answered.
  mutating func doubted() { isDoubted = true }

  /// The connection is gone, or could not be made; returns how long to wait for the next attempt. A
  /// connection that was of use is made again at once: servers close some when they are reloaded.
  mutating func disconnected(wasReady: Bool, random: UInt64) -> Int64 {
    failures += 1
    isOnTrial = false
    return wasReady && !isDoubted ? 0 : backoff.next(random: random)
  }

  /// It has answered as it should.
  mutating func served() {
    failures = 0
    isDoubted = false
    if refusingSinceMs == nil {
      isOnTrial = false
      backoff.reset()
    }
  }

  /// It has taken in a statement.
  mutating func stated() {
    refusingSinceMs = nil
    served()
  }

  /// It has answered a statement with an error, and the connection is good.
  mutating func refused(nowMs: Int64, random: UInt64) {
    // Of several that were sent at once, each is answered so: they are one attempt.
    guard refusingSinceMs == nil || isOnTrial || nowMs >= tryMs else { return }
    refusingSinceMs = refusingSinceMs ?? nowMs
    isOnTrial = false
    tryMs = nowMs + backoff.next(random: random)
  }

  /// Tries a server that refuses again where that is due.
  mutating func tryAgain(nowMs: Int64) {
    guard let refusingSinceMs, Self.isOver(refusingSinceMs, nowMs), nowMs >= tryMs else { return }
    isOnTrial = true
  }

  /// When `tryAgain` has something to do; nil for never.
  var nextTryMs: Int64? { refusingSinceMs == nil || isOnTrial ? nil : tryMs }
}
