import Bytes

/// Gives memory that was freed back to the system after a peak and after a reload: glibc keeps it
/// otherwise, for as long as the process lives.
///
/// Any thread. `tick` takes a while after a peak, so no worker calls it.
package final class FreedMemory: Sendable {
  private let server: ServerHandle
  private let state = Locked(TrimState())

  /// Goes by what connections, streams and buffers of the server take.
  package init(_ server: ServerHandle) { self.server = server }

  /// Another policy is in force: the old one is freed when its last exchanges end.
  package func policyChanged() { state.withLock { $0.ask(now: .now) } }

  /// Gives memory back where it is time to. Call once a second.
  package func tick() {
    let (peak, used) = (server.takeBufferPeak(), server.bufferBytes)
    if state.withLock({ $0.isDue(usedBytes: used, peakBytes: peak, now: .now) }) {
      Kernel.returnFreedMemory()
    }
  }
}

/// When memory is given back. A value; the time is a parameter.
struct TrimState {
  /// How much less than at the peak must be used: at least this, and half of the peak.
  static let fallBytesMin = 4 << 20
  /// It is not done more often than this, and so long after a reload.
  static let interval: Duration = .seconds(5)

  private var peakBytes = 0
  private var lastTrim: MonotonicTime?
  private var askedAt: MonotonicTime?

  /// It is worth it, once what was replaced is gone.
  mutating func ask(now: MonotonicTime) { askedAt = askedAt ?? now }

  /// Whether to do it now. `usedBytes`: what is used of the process's budget; `peak`: the most that
  /// was since the last call.
  mutating func isDue(usedBytes: Int, peakBytes peak: Int, now: MonotonicTime) -> Bool {
    peakBytes = max(peakBytes, peak, usedBytes)
    if let lastTrim, now < lastTrim + Self.interval { return false }
    let hasFallen =
      usedBytes <= peakBytes / 2 && peakBytes - usedBytes >= Self.fallBytesMin
    let isAsked = askedAt.map { now >= $0 + Self.interval } ?? false
    guard hasFallen || isAsked else { return false }
    peakBytes = usedBytes
    lastTrim = now
    if isAsked { askedAt = nil }
    return true
  }
}
