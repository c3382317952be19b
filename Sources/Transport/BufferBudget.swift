import Synchronization

/// Bytes kept by every connection of the process, against `processBufferBytesMax`. Atomic: loops
/// share one. Connections take it in leases (`BufferLease`), so `used` runs ahead of what is kept
/// by less than two leases each.
package final class BufferBudget: Sendable {
  private let limit: Int
  private let reserved = Atomic<Int>(0)

  /// A budget of `limit` bytes.
  package init(limit: Int) { self.limit = limit }

  /// Takes `bytes`; false, and nothing taken, when they are more than is left.
  package func reserve(_ bytes: Int) -> Bool {
    precondition(bytes >= 0)
    let (_, after) = reserved.add(bytes, ordering: .relaxed)
    if after <= limit { return true }
    reserved.subtract(bytes, ordering: .relaxed)
    return false
  }

  /// Gives `bytes` back.
  package func release(_ bytes: Int) {
    let (_, after) = reserved.subtract(bytes, ordering: .relaxed)
    precondition(after >= 0, "more bytes released than reserved")
  }

  /// What is taken now.
  package var used: Int { reserved.load(ordering: .relaxed) }
}

/// One connection's share of the process's budget, taken in steps so that small calls touch no
/// shared memory. Gives everything back when it goes.
struct BufferLease: ~Copyable {
  /// The step in which a lease grows and shrinks.
  static let stepBytes = 64 << 10

  private let budget: BufferBudget
  private let limit: Int
  private var leased = 0
  /// What is kept now.
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

  /// Gives `bytes` back, and to the process what is more than a step beyond need.
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
