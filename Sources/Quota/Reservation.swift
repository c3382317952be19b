import Terms

/// What an exchange holds of one counter.
struct HeldCharge: Sendable {
  let place: Int
  let generation: UInt64
  let kind: LimitKind
  let charge: Charge
}

/// What an exchange holds of its limits, from admission until it is settled, exactly once: the
/// compiler sees to the "at most", an assertion to the "at least".
package struct Reservation: ~Copyable, Sendable {
  /// What was reserved: the demand, its output cut where the client stated no bound.
  package let demand: Demand
  let held: [HeldCharge]
  private var isOpen = true

  init(demand: Demand, held: [HeldCharge]) {
    self.demand = demand
    self.held = held
  }

  deinit {
    assert(!isOpen, "a reservation is settled, whatever happens to its exchange")
  }

  /// For the admission's record.
  package var charges: [Charge] { held.map(\.charge) }

  /// The most that is reserved of any limit of that kind.
  package func most(of kind: LimitKind) -> Int64 {
    held.reduce(0) { $1.kind == kind ? max($0, $1.charge.amount) : $0 }
  }

  /// What is to be settled; the reservation is over.
  consuming func close() -> [HeldCharge] {
    isOpen = false
    return held
  }

  /// Lets it go unsettled, because its books close with the process: what is open then is closed at
  /// the next start, by the ledger.
  package consuming func leaveToRecovery() { isOpen = false }
}

/// The answer to a demand.
package enum QuotaAnswer: ~Copyable, Sendable {
  case admitted(Reservation)
  case refused(QuotaRefusal)
}
