import Synchronization

/// The number of gRPC connections of the whole process, held against `--max-connections`.
///
/// Any thread.
final class ConnectionCount: Sendable {
  /// The most that may be counted.
  let limit: Int
  private let count = Atomic<Int>(0)

  init(limit: Int) {
    self.limit = limit
  }

  /// Counts one more; false, and nothing is counted, where the limit is reached.
  func admit() -> Bool {
    let before = count.wrappingAdd(1, ordering: .relaxed).oldValue
    if before < limit { return true }
    leave()
    return false
  }

  /// A counted connection has gone.
  func leave() {
    count.wrappingSubtract(1, ordering: .relaxed)
  }

  /// How many there are.
  var value: Int { count.load(ordering: .relaxed) }
}
