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
    for item in held where counters[item.place].generation == item.generation {
      let final = Charge(
        counter: item.charge.counter, amount: settlement.charge(item.kind),
        window: item.charge.window)
      settle(place: item.place, reserved: item.charge, final: final.amount, now: now)
      charges.append(final)
    }
    return charges
  }

  mutating func settle(place: Int, reserved: Charge, final: Int64, now: Int64) {
    counters[place].count.advance(to: now, windows: &windows)
    counters[place].count.settle(
      reserved: reserved.amount, final: final, window: reserved.window)
    counters[place].open = max(0, counters[place].open - 1)
    tallies[counters[place].tally].expectIdle(at: counters[place].idleTime(now: now))
  }
}
