/// One connection's share of the process's buffer budget. It grows and shrinks in steps, so that
/// most calls touch no memory that threads share. Gives everything back in its deinit.
struct BufferLease: ~Copyable {
  /// The step in which a lease grows and shrinks.
  static let stepBytes = 64 << 10

  private let budget: BufferBudget
  private let limit: Int
  private var leased = 0
  /// The bytes that the connection keeps now.
  private(set) var used = 0

  /// An empty lease that may grow to `limit` bytes.
  init(budget: BufferBudget, limit: Int) {
    self.budget = budget
    self.limit = limit
  }

  deinit { budget.release(leased) }

  /// Takes `bytes`; false, and nothing taken, when the connection's or the process's limit is hit.
  mutating func take(_ bytes: Int) -> Bool {
    let wanted = used + bytes
    guard wanted <= limit else { return false }
    if wanted > leased {
      let step = max(wanted - leased, Self.stepBytes)
      if budget.reserve(step) {
        leased += step
      } else if budget.reserve(wanted - leased) {
        leased = wanted
      } else {
        return false
      }
    }
    used = wanted
    return true
  }

  /// Gives back `bytes` that were taken; the process gets back what is left unused, but for one
  /// step.
  mutating func giveBack(_ bytes: Int) {
    precondition(bytes <= used, "more bytes released than taken")
    used -= bytes
    if leased - used >= 2 * Self.stepBytes || (used == 0 && leased > Self.stepBytes) {
      let kept = used + Self.stepBytes
      if leased > kept {
        budget.release(leased - kept)
        leased = kept
      }
    }
  }
}
