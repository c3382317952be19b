import Synchronization

/// The connections of the whole process, against their limit.
final class ConnectionCount: Sendable {
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

  func leave() {
    count.wrappingSubtract(1, ordering: .relaxed)
  }

  var value: Int { count.load(ordering: .relaxed) }
}
