/// How much of a counter this replica used lately, by which slices are sized.
struct UseRate {
  private var secondMs: Int64 = .min / 2
  private var now: Int64 = 0
  private var before: Int64 = 0
  private(set) var lastMs: Int64 = .min / 2
  /// Whether it was used twice within a second, and again and again since.
  private(set) var isRepeated = false

  mutating func use(_ units: Int64, at bootMs: Int64) {
    isRepeated = bootMs - lastMs < 1_000
    lastMs = bootMs
    roll(to: bootMs)
    now = now.plusSaturating(units)
  }

  private mutating func roll(to bootMs: Int64) {
    let passed = bootMs - secondMs
    guard passed >= 1_000 else { return }
    before = passed < 2_000 ? now : 0
    now = 0
    secondMs = passed < 2_000 ? secondMs + 1_000 : bootMs
  }

  func isIdle(at bootMs: Int64) -> Bool { bootMs - lastMs >= 1_000 }

  /// About what is used in a second; 0 where it is used less often than that.
  var perSecond: Int64 { isRepeated ? max(now, before) : 0 }
}
