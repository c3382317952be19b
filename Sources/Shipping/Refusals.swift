/// What is to be done about a receiver's answer to a batch. A value.
///
/// Only a record that is refused by itself leaves shipping: everything else that a receiver can say is
/// about the receiver (its permissions, its load, its version) and ends when somebody mends that. So
/// a refused batch is halved until one record is left; and a receiver that refuses one such record
/// after the other is taken to be broken.
package struct Refusals: Equatable, Sendable {
  /// What is to be done.
  package enum Verdict: Equatable, Sendable {
    /// The receiver has the batch. `words`: what it said besides, if anything.
    case taken(words: String)
    /// It has the batch except so many records, and does not say which.
    case takenExcept(rejected: Int, words: String)
    /// Ship the batch in halves: some record of it is refused.
    case halve(String)
    /// Ship it in halves, and no larger batch from now on: it was too large.
    case shrink(String)
    /// The batch is one record, which is refused by itself: it is set aside.
    case setAside(String)
    /// Ship the batch again, later; why, and how long the receiver asks to wait.
    case hold(String, afterMs: Int64?)
  }

  /// How many records were set aside since a batch was taken.
  private var inARow = 0

  /// Nothing was refused yet.
  package init() {}

  /// Judges the answer to a batch of so many records and bytes.
  package mutating func judge(
    _ answer: TargetMachine.Answer, records: Int, bytes: Int
  ) -> Verdict {
    switch answer {
    case .delivered: return taken("")
    case .partial(let rejected, let words) where rejected <= 0: return taken(words)
    case .partial(let rejected, let words) where rejected < records:
      inARow = 0
      return .takenExcept(rejected: rejected, words: words)
    case .partial(_, let words):
      return refused(words.isEmpty ? "the receiver rejected all of them" : words, records)
    case .refused(let reason): return refused(reason, records)
    case .tooLarge(let reason):
      // Of a batch that is so small, the size cannot be the reason: the receiver has no room now.
      guard bytes > ShippingLimits.shrunkBytesMin else { return .hold(reason, afterMs: nil) }
      return records > 1 ? .shrink(reason) : alone(reason)
    case .retry(let reason, let afterMs): return .hold(reason, afterMs: afterMs)
    }
  }

  private mutating func taken(_ words: String) -> Verdict {
    inARow = 0
    return .taken(words: words)
  }

  private mutating func refused(_ reason: String, _ records: Int) -> Verdict {
    records > 1 ? .halve(reason) : alone(reason)
  }

  private mutating func alone(_ reason: String) -> Verdict {
    guard inARow < ShippingLimits.setAsideInARowMax else {
      return .hold(
        "the receiver has refused \(inARow) records in a row, each by itself, so nothing more is set"
          + " aside until it takes one: \(reason)", afterMs: nil)
    }
    inARow += 1
    return .setAside(reason)
  }
}
