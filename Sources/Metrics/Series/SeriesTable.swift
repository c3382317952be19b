/// The labels of one family's series as text (`tenant="a",route="/v1/x"`), in the order of the series'
/// numbers. Series are only added; a copy does not change.
struct SeriesTexts {
  /// Series in a chunk. Adding one while a reader holds a copy copies a single chunk, not all.
  static let chunkCount = 256

  /// The labels of series whose numbers follow one another.
  struct Chunk {
    fileprivate(set) var bytes: [UInt8] = []
    fileprivate var ends: [Int] = []

    var count: Int { ends.count }

    /// Calls `body` with the position of every series in the chunk and the range of its labels.
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
  /// The bytes of all labels.
  private(set) var byteCount = 0

  mutating func append(_ labels: [UInt8]) {
    if count % Self.chunkCount == 0 { chunks.append(Chunk()) }
    chunks[chunks.count - 1].bytes += labels
    chunks[chunks.count - 1].ends.append(chunks[chunks.count - 1].bytes.count)
    count += 1
    byteCount += labels.count
  }
}

/// The series of one family by their labels, with a limit on their number.
struct SeriesTable<Key: Hashable> {
  private var numbers: [Key: Int] = [:]
  private(set) var texts = SeriesTexts()
  private(set) var keys: [Key] = []
  let limit: Int

  init(limit: Int) { self.limit = limit }

  var count: Int { keys.count }

  /// The number of a series, which is added where it is new; nil where there are as many as the limit
  /// allows, or `limit` where that is given.
  mutating func number(of key: Key, limit: Int? = nil, labels: () -> [UInt8]) -> Int? {
    if let known = numbers[key] { return known }
    guard count < limit ?? self.limit else { return nil }
    let number = count
    numbers[key] = number
    keys.append(key)
    texts.append(labels())
    return number
  }

  /// The number of a series; nil where there is none.
  func number(of key: Key) -> Int? { numbers[key] }
}
