import Terms

/// What an exchange has reserved in one counter.
struct ReservedCharge: Sendable {
  /// The counter's place in the table, and which counter of that place it was.
  let place: Int
  let generation: UInt64
  let kind: LimitKind
  let charge: Charge
}

/// What an exchange has reserved in its limits, from admission until it is settled, exactly once.
/// It cannot be settled twice, because it cannot be copied; that it is settled at all, an assertion
/// in `deinit` checks.
package struct Reservation: ~Copyable, Sendable {
  /// The demand that was reserved; its output is cut where the client stated no bound.
  package let demand: Demand
  let reserved: [ReservedCharge]
  /// The limits that only count and would have refused it; nothing is reserved in them.
  package let shadowed: [LimitRule]
  private var isOpen = true

  init(demand: Demand, reserved: [ReservedCharge], shadowed: [LimitRule] = []) {
    self.demand = demand
    self.shadowed = shadowed
    self.reserved = reserved
  }

  deinit {
    assert(!isOpen, "a reservation is settled, whatever happens to its exchange")
  }

  /// What was reserved in each counter, for the admission's record.
  package var charges: [Charge] { reserved.map(\.charge) }

  /// The largest amount that is reserved in any limit of that kind; 0 where there is none.
  package func most(of kind: LimitKind) -> Int64 {
    reserved.reduce(0) { $1.kind == kind ? max($0, $1.charge.amount) : $0 }
  }

  /// Ends the reservation and returns what is to be settled.
  consuming func close() -> [ReservedCharge] {
    isOpen = false
    return reserved
  }

  /// Ends the reservation without settling it, because the process ends: the next start finds the
  /// exchange open in the ledger and settles it.
  package consuming func leaveToRecovery() { isOpen = false }
}

/// The answer to a demand.
package enum QuotaAnswer: ~Copyable, Sendable {
  /// Everything is reserved.
  case admitted(Reservation)
  /// Nothing is reserved.
  case refused(QuotaRefusal)
  /// Nothing is reserved; the store is to be asked first. Only of a table that is shared.
  case asks(QuotaAsk)
}
