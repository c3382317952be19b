/// Lets a message through once in a while, and counts the repetitions it keeps back.
struct RepetitionLimit {
  /// A message that has been let through is kept back for this long.
  static let quietNanoseconds: Int64 = 10_000_000_000
  /// Messages that are remembered; when there are more, the oldest is forgotten.
  static let messagesMax = 256

  enum Outcome: Equatable {
    /// Say it; it was kept back that many times since it was last said.
    case pass(repeated: Int)
    case hold
  }

  private struct Entry {
    var saidNanoseconds: Int64
    var held: Int
  }

  private var entries: [String: Entry] = [:]

  mutating func admit(_ message: String, nowNanoseconds: Int64) -> Outcome {
    if var entry = entries[message] {
      if nowNanoseconds - entry.saidNanoseconds < Self.quietNanoseconds {
        entry.held += 1
        entries[message] = entry
        return .hold
      }
      entries[message] = Entry(saidNanoseconds: nowNanoseconds, held: 0)
      return .pass(repeated: entry.held)
    }
    if entries.count >= Self.messagesMax {
      let oldest = entries.min { $0.value.saidNanoseconds < $1.value.saidNanoseconds }
      if let oldest { entries[oldest.key] = nil }
    }
    entries[message] = Entry(saidNanoseconds: nowNanoseconds, held: 0)
    return .pass(repeated: 0)
  }
}
