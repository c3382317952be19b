/// How many tokens one model's completions usually have: a histogram with eight buckets for each
/// power of two, so that a percentile read from it is at most an eighth too high.
struct OutputHistogram: Sendable, Equatable {
  /// Buckets, for lengths up to 2³¹ tokens.
  static let classCount = 240
  /// When this many samples are reached, all counts are halved, so that newer samples weigh more than
  /// old ones.
  static let samplesMax = 8192

  private var counts = [UInt32](repeating: 0, count: classCount)
  /// The sum of all counts.
  private(set) var sampleCount = 0

  init() {}

  /// Restores a saved `state`; nil if the numbers cannot come from one.
  init?(state: [Int64]) {
    guard state.count.isMultiple(of: 2) else { return nil }
    for index in stride(from: 0, to: state.count, by: 2) {
      guard (0..<Int64(Self.classCount)).contains(state[index]),
        (1...Int64(Self.samplesMax)).contains(state[index + 1]),
        counts[Int(state[index])] == 0
      else { return nil }
      counts[Int(state[index])] = UInt32(state[index + 1])
      sampleCount += Int(state[index + 1])
    }
    guard sampleCount <= Self.samplesMax else { return nil }
  }

  /// The histogram, to be saved: for each bucket that is not empty its index and its count.
  var state: [Int64] {
    counts.indices.filter { counts[$0] > 0 }.flatMap { [Int64($0), Int64(counts[$0])] }
  }

  /// Counts a completion of `tokens`.
  mutating func add(_ tokens: Int) {
    if sampleCount == Self.samplesMax {
      for index in counts.indices { counts[index] /= 2 }
      sampleCount = counts.reduce(0) { $0 + Int($1) }
    }
    counts[Self.index(of: tokens)] += 1
    sampleCount += 1
  }

  /// The 99th percentile in tokens: the upper bound of the bucket it falls into. Nil without samples.
  var percentile99: Int? {
    guard sampleCount > 0 else { return nil }
    var rest = (sampleCount * 99 + 99) / 100
    for index in counts.indices {
      rest -= Int(counts[index])
      if rest <= 0 { return Self.upperBound(of: index) }
    }
    return nil
  }

  /// The bucket of a length: one for each length below 16; above, the power of two and the three bits
  /// after the leading one choose it.
  static func index(of tokens: Int) -> Int {
    let tokens = min(max(tokens, 0), 1 << 31)
    if tokens < 16 { return tokens }
    let exponent = Int.bitWidth - 1 - tokens.leadingZeroBitCount
    return exponent * 8 - 16 + (tokens >> (exponent - 3) & 7)
  }

  /// The largest length that falls into the bucket.
  static func upperBound(of index: Int) -> Int {
    if index < 16 { return index }
    let exponent = (index + 16) / 8
    return (9 + index % 8) << (exponent - 3) - 1
  }
}
