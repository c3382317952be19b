/// Places of counters by the time at which something is due: a binary heap. A counter may be in it
/// more often than once; what is due is looked up when its time has come.
struct DueQueue {
  struct Entry {
    let dueMs: Int64
    let place: Int
    let generation: UInt64
  }

  private var heap: [Entry] = []

  var first: Entry? { heap.first }
  var count: Int { heap.count }

  mutating func push(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].dueMs < heap[parent].dueMs else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes out the first entry if its time has come.
  mutating func pop(at nowMs: Int64) -> Entry? {
    guard let first = heap.first, first.dueMs <= nowMs else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].dueMs < heap[least].dueMs {
        least = child
      }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
