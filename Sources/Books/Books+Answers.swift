import Bytes
import Quota

/// What the books answer to an exchange, and the clocks that they read.
extension Books {
  /// The answer to an exchange that asks to be let through.
  package enum Answer {
    /// Everything is reserved, and the record is queued. `waits`: the exchange may go on only when
    /// a `RecordOutcome`, which comes after this answer, names its record; without it, at once
    /// (`Durability.relaxed`).
    case admitted(OpenAdmission, waits: Bool)
    /// A limit refuses it; nothing is reserved.
    case refused(QuotaRefusal)
    /// The ledger takes no record, so no exchange may go on; nothing is reserved.
    case unavailable
    /// The store is asked; nothing is reserved. `onStoreOutcome` tells when to ask again, after this
    /// answer.
    case asks(StoreTicket)
    /// `StoreDoor.waitingMax` exchanges wait for the store; nothing is reserved.
    case overloaded
  }

  /// What became of admissions' records. Every loop is told, and each finds its own exchanges.
  package enum RecordOutcome: Sendable {
    /// Every record up to this `seq` is on disk.
    case durable(upTo: Int64)
    /// The records with these `seq` will never be on disk, and what they reserved is given back.
    /// Later records get the same numbers again, so only admissions with an `epoch` below `before`
    /// are meant.
    case failed(Set<Int64>, before: Int)
  }

  /// The clocks that the books read, in milliseconds: the wall clock (Unix time), and one that
  /// counts the time that passes, whatever is done to the wall clock.
  package struct Clock: Sendable {
    var wallMs: @Sendable () -> Int64
    var monotonicMs: @Sendable () -> Int64

    /// The books call both closures under their lock: they must not wait.
    package init(
      wallMs: @escaping @Sendable () -> Int64, monotonicMs: @escaping @Sendable () -> Int64
    ) {
      self.wallMs = wallMs
      self.monotonicMs = monotonicMs
    }

    /// The system's clocks.
    package static let system = Clock(
      wallMs: { SystemClock.wallNanoseconds() / 1_000_000 },
      monotonicMs: { SystemClock.bootNanoseconds() / 1_000_000 })
  }
}
