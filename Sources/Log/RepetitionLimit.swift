/// Decides which repetitions of a message are logged: the same message once in ten seconds, with
/// the number of those left out. A value, without a clock.
struct RepetitionLimit {
  /// How long a message is held back after it was logged.
  static let quietNanoseconds: Int64 = 10_000_000_000
  /// How many messages are remembered; for one more, the one that was logged first is forgotten.
  static let messagesMax = 256

  /// What is to be done with a message.
  enum Outcome: Equatable {
    /// Log it; it was held back that many times since it was last logged.
    case pass(repeated: Int)
    /// Do not log it.
    case hold
  }

  private struct Entry {
    var saidNanoseconds: Int64
    var held: Int
  }

  private var entries: [String: Entry] = [:]

  /// Decides on one message.
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
