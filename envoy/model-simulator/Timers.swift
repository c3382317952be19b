/// Deadlines of connections in order: a binary heap. An entry whose connection has another
/// deadline by then is simply passed over.
struct Timers {
  private var heap: [(at: UInt64, key: UInt64)] = []

  var next: UInt64? { heap.first?.at }

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

  /// The first entry that is due.
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
