import Terms

/// Settlement: replaces a reservation by what was used.
extension QuotaTable {
  /// Replaces the reservation by the final charge in each counter, and returns these charges for
  /// the completion's record.
  ///
  /// A bucket gets back what was not used, up to its capacity, except a bucket of requests, which
  /// counts attempts; use beyond the reservation puts it into debt where the level is too low. A calendar budget is charged in the window of the
  /// admission; where that window has ended, nothing changes. A counter that a reload removed is
  /// left out.
  package mutating func settle(
    _ reservation: consuming Reservation, as settlement: Settlement, now: Int64
  ) -> [Charge] {
    let reserved = reservation.close()
    var charges: [Charge] = []
    charges.reserveCapacity(reserved.count)
    for index in reserved.indices {
      let place = reserved[index].place
      guard counters[place].generation == reserved[index].generation else { continue }
      let (amount, window) = (reserved[index].charge.amount, reserved[index].charge.window)
      let final = settlement.charge(
        reserved[index].kind, isBucket: counters[place].count.isBucket)
      settle(place: place, reserved: amount, final: final, window: window, now: now)
      charges.append(Charge(counter: reserved[index].charge.counter, amount: final, window: window))
      if tallies[counters[place].tally].warns { noteReached(place, now: now) }
    }
    return charges
  }

  mutating func settle(place: Int, reserved: Int64, final: Int64, window: Int64?, now: Int64) {
    counters[place].count.advance(to: now, windows: &windows)
    counters[place].count.settle(
      reserved: reserved, final: final, window: window, windows: &windows)
    if sharing != nil {
      settleShared(place: place, reserved: reserved, final: final, window: window, now: now)
    }
    counters[place].open = max(0, counters[place].open - 1)
    counters[place].reserved = max(0, counters[place].reserved.minusSaturating(reserved))
    tallies[counters[place].tally].expectIdle(at: counters[place].idleTime(now: now))
  }
}
