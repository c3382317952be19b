import Synchronization

/// The bytes kept by all connections of the process, held against `processBufferBytesMax`.
///
/// Any thread: all loops share one. Connections take from it in steps (`BufferLease`), so that
/// `used` is larger than what is kept, by less than two steps for each connection.
package final class BufferBudget: Sendable {
  /// The most that may be taken.
  package let limit: Int
  private let reserved = Atomic<Int>(0)
  private let peak = Atomic<Int>(0)

  /// A budget of `limit` bytes, of which nothing is taken.
  package init(limit: Int) { self.limit = limit }

  /// Takes `bytes`; false, and nothing taken, when they are more than is left.
  package func reserve(_ bytes: Int) -> Bool {
    precondition(bytes >= 0)
    let (_, after) = reserved.add(bytes, ordering: .relaxed)
    if after <= limit {
      if after > peak.load(ordering: .relaxed) { peak.max(after, ordering: .relaxed) }
      return true
    }
    reserved.subtract(bytes, ordering: .relaxed)
    return false
  }

  /// Gives back `bytes` that were taken.
  package func release(_ bytes: Int) {
    let (_, after) = reserved.subtract(bytes, ordering: .relaxed)
    precondition(after >= 0, "more bytes released than reserved")
  }

  /// The most bytes that were taken at once since this was last called.
  package func takePeak() -> Int { peak.exchange(used, ordering: .relaxed) }

  /// The bytes that are taken now.
  package var used: Int { reserved.load(ordering: .relaxed) }
}
