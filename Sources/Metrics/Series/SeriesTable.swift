/// The series of one family in the order of their numbers, each with its labels as text:
/// `tenant="a",route="/v1/x"`. Only grows; what a copy holds never changes.
struct SeriesTexts: Sendable {
  /// Series in a chunk: growing copies one chunk at most, however many readers hold the rest.
  static let chunkCount = 256

  /// Neighbours.
  struct Chunk: Sendable {
    fileprivate(set) var bytes: [UInt8] = []
    fileprivate var ends: [Int] = []

    var count: Int { ends.count }

    /// Calls `body` with every series' number in here and where its labels are.
    @inline(__always)
    func visit(_ body: (Int, Range<Int>) -> Void) {
      var start = 0
      for series in ends.indices {
        let end = ends[series]
        body(series, start..<end)
        start = end
      }
    }
  }

  private(set) var chunks: [Chunk] = []
  private(set) var count = 0
  /// Of all labels.
  private(set) var byteCount = 0

  mutating func append(_ labels: [UInt8]) {
    if count % Self.chunkCount == 0 { chunks.append(Chunk()) }
    chunks[chunks.count - 1].bytes += labels
    chunks[chunks.count - 1].ends.append(chunks[chunks.count - 1].bytes.count)
    count += 1
    byteCount += labels.count
  }
}

/// A family's series by their keys, under a limit.
struct SeriesTable<Key: Hashable & Sendable>: Sendable {
  private var numbers: [Key: Int] = [:]
  private(set) var texts = SeriesTexts()
  private(set) var keys: [Key] = []
  let limit: Int

  init(limit: Int) { self.limit = limit }

  var count: Int { keys.count }

  /// The series of that key; nil for a new one beyond the limit, or beyond `limit` where one is given.
  mutating func number(of key: Key, limit: Int? = nil, labels: () -> [UInt8]) -> Int? {
    if let known = numbers[key] { return known }
    guard count < limit ?? self.limit else { return nil }
    let number = count
    numbers[key] = number
    keys.append(key)
    texts.append(labels())
    return number
  }

  /// The series of that key, where there is one.
  func number(of key: Key) -> Int? { numbers[key] }
}
