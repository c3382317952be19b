/// How many bytes the ledger grows by in an hour. A value without a clock: the caller says which minute
/// it is, counted from when it was made.
struct WriteRate {
  static let hourMs: Int64 = 3_600_000

  private var minutes = [Int64](repeating: 0, count: 61)
  /// The minute of the last count.
  private var minute = 0
  /// What was written in an hour before it was made; nil where that is not known.
  private let before: Int64?

  init(before: Int64?) { self.before = before }

  /// Counts what was written in that minute.
  mutating func wrote(_ bytes: Int, minute: Int) {
    goOn(to: minute)
    minutes[minute % 61] += Int64(bytes)
  }

  /// What was written in the last hour, in whole minutes: where less is known, at the rate of what is.
  mutating func bytesPerHour(minute: Int) -> Int64? {
    goOn(to: minute)
    let whole = min(60, minute)
    let bytes = minutes.reduce(0, +) - minutes[minute % 61]
    // Of the last hour, the minutes before it was made count at their own rate.
    if let before { return bytes + before / 60 * Int64(60 - whole) }
    return whole == 0 ? nil : Int64(clamping: Int128(bytes) * 60 / Int128(whole))
  }

  private mutating func goOn(to next: Int) {
    guard next > minute else { return }
    for passed in (minute + 1)...min(next, minute + 61) { minutes[passed % 61] = 0 }
    minute = next
  }
}
