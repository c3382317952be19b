/// The deadlines of connections, earliest first: a binary heap. Entries are not removed when a
/// connection's deadline changes; the loop ignores those that are outdated.
struct Timers {
  private var heap: [(at: UInt64, key: UInt64)] = []

  /// The earliest deadline.
  var next: UInt64? { heap.first?.at }

  /// Adds a deadline of the connection with this key.
  mutating func add(at: UInt64, key: UInt64) {
    heap.append((at, key))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].at < heap[parent].at else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Removes and returns the earliest entry if it is due.
  mutating func popDue(_ now: UInt64) -> (at: UInt64, key: UInt64)? {
    guard let first = heap.first, first.at <= now else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].at < heap[least].at { least = child }
      }
      guard least != parent else { break }
      heap.swapAt(parent, least)
      parent = least
    }
    return first
  }
}
