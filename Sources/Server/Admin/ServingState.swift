package import Ledger

/// Whether the process can let requests through, as `/readyz` says it. Told from any thread.
package final class ServingState: Sendable {
  private struct Values {
    var isStarted = false
    var isDraining = false
    var hasPolicy = false
    var ledger: (@Sendable () -> LedgerState)?
  }

  private let values = Locked(Values())

  package init() {}

  /// A policy is in force.
  package func hasPolicy() {
    values.withLock { $0.hasPolicy = true }
  }

  /// Recovery is over; `ledger` says from now on whether the ledger takes admissions.
  package func hasLedger(_ ledger: @escaping @Sendable () -> LedgerState) {
    values.withLock { $0.ledger = ledger }
  }

  /// The listeners are open.
  package func started() {
    values.withLock { $0.isStarted = true }
  }

  /// The way out has begun.
  package func drainBegan() {
    values.withLock { $0.isDraining = true }
  }

  package var isDraining: Bool { values.withLock(\.isDraining) }

  /// Why nothing can be let through, in words; empty where it can.
  package var reasons: [String] {
    let values = values.withLock { $0 }
    if values.isDraining { return ["draining"] }
    var reasons: [String] = []
    if !values.isStarted { reasons.append("starting") }
    if !values.hasPolicy { reasons.append("no policy is loaded") }
    // The ledger has a lock of its own, which is not taken under ours.
    switch values.ledger?() {
    case nil: reasons.append("the ledger is not open yet")
    case .writable: break
    case .unavailable(let reason): reasons.append("the ledger cannot be written: \(reason)")
    }
    return reasons
  }
}
