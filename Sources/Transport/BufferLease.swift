/// One connection's share of the process's buffer budget. It grows and shrinks in steps, so that
/// most calls touch no memory that threads share. Gives everything back in its deinit.
struct BufferLease: ~Copyable {
  /// The largest step in which a lease grows and shrinks.
  static let stepBytes = 64 << 10

  private let budget: BufferBudget
  private let limit: Int
  /// The step. What connections hold back of a small budget must leave room for the others.
  private let step: Int
  private var leased = 0
  /// The bytes that the connection keeps now.
  private(set) var used = 0
  /// How many of them it keeps as long as it lives.
  private var base = 0

  /// An empty lease that may grow to `limit` bytes.
  init(budget: BufferBudget, limit: Int) {
    self.budget = budget
    self.limit = limit
    step = min(Self.stepBytes, max(1 << 10, budget.limit / 4096))
  }

  deinit { budget.release(leased) }

  /// Takes `bytes`; false, and nothing taken, when the connection's or the process's limit is hit.
  mutating func take(_ bytes: Int) -> Bool {
    let wanted = used + bytes
    guard wanted <= limit else { return false }
    if wanted > leased {
      let more = max(wanted - leased, step)
      if budget.reserve(more) {
        leased += more
      } else if budget.reserve(wanted - leased) {
        leased = wanted
      } else {
        return false
      }
    }
    used = wanted
    return true
  }

  /// Takes what the connection costs by itself, as `take` does.
  mutating func takeBase(_ bytes: Int) -> Bool {
    guard take(bytes) else { return false }
    base = bytes
    return true
  }

  /// The connection is over: gives that back.
  mutating func giveBackBase() {
    let bytes = base
    base = 0
    giveBack(bytes)
  }

  /// Gives back `bytes` that were taken; the process gets back what is left unused, but for one
  /// step.
  mutating func giveBack(_ bytes: Int) {
    precondition(bytes <= used, "more bytes released than taken")
    used -= bytes
    if leased - used >= 2 * step || (used <= base && leased > used + step) {
      let kept = used + step
      if leased > kept {
        budget.release(leased - kept)
        leased = kept
      }
    }
  }
}
