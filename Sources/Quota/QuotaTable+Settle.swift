import Terms

extension QuotaTable {
  /// Puts what was used in the reservation's place, counter by counter, and returns the final
  /// charges for the completion's record.
  ///
  /// A bucket gets back what was not used, up to its capacity, or goes into debt. A calendar budget
  /// is settled in the window of the admission; where that is over, nothing changes. A counter whose
  /// limit became another one since is left out.
  package mutating func settle(
    _ reservation: consuming Reservation, as settlement: Settlement, now: Int64
  ) -> [Charge] {
    let held = reservation.close()
    var charges: [Charge] = []
    charges.reserveCapacity(held.count)
    for index in held.indices {
      let place = held[index].place
      guard counters[place].generation == held[index].generation else { continue }
      let (amount, window) = (held[index].charge.amount, held[index].charge.window)
      let final = settlement.charge(held[index].kind)
      settle(place: place, reserved: amount, final: final, window: window, now: now)
      charges.append(Charge(counter: held[index].charge.counter, amount: final, window: window))
    }
    return charges
  }

  mutating func settle(place: Int, reserved: Int64, final: Int64, window: Int64?, now: Int64) {
    counters[place].count.advance(to: now, windows: &windows)
    counters[place].count.settle(reserved: reserved, final: final, window: window)
    counters[place].open = max(0, counters[place].open - 1)
    counters[place].held = max(0, counters[place].held - reserved)
    tallies[counters[place].tally].expectIdle(at: counters[place].idleTime(now: now))
  }
}
