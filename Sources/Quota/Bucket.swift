/// A token bucket in exact integers. The level is stored multiplied by the period, so that the
/// refill of one millisecond is exactly `amount`.
///
/// It is an Int128, because a billion dollars in nano-dollars times an hour in milliseconds does
/// not fit in an Int64. Refilling in two steps gives the same level as refilling in one, so reading
/// a bucket never changes what it admits later.
struct Bucket: Equatable {
  /// The deepest debt in units; more is cut to this. It is far below overflow.
  static let debtMax = Int64.max / 2

  private(set) var amount: Int64
  private(set) var capacity: Int64
  let periodMilliseconds: Int64
  /// The level times the period; below 0 in debt.
  private(set) var scaledLevel: Int128
  /// The time of the last refill, in Unix milliseconds.
  private(set) var time: Int64

  /// A full bucket.
  init(amount: Int64, capacity: Int64, periodMilliseconds: Int64, now: Int64) {
    self.amount = amount
    self.capacity = capacity
    self.periodMilliseconds = periodMilliseconds
    scaledLevel = Int128(capacity) * Int128(periodMilliseconds)
    time = now
  }

  /// A bucket from a checkpoint: `level` in whole units, rounded down, and `fraction`, which is
  /// what is above `level`, in units divided by the period. Nil where no bucket can have these
  /// values.
  init?(
    amount: Int64, capacity: Int64, periodMilliseconds: Int64, level: Int64, fraction: Int64,
    time: Int64
  ) {
    guard amount > 0, capacity > 0, periodMilliseconds > 0, fraction >= 0,
      fraction < periodMilliseconds, level <= capacity, level >= -Self.debtMax - 1,
      level < capacity || fraction == 0
    else { return nil }
    self.init(
      amount: amount, capacity: capacity, periodMilliseconds: periodMilliseconds, now: time)
    scaledLevel = Int128(level) * Int128(periodMilliseconds) + Int128(fraction)
  }

  private var scaledCapacity: Int128 { Int128(capacity) * Int128(periodMilliseconds) }
  var isFull: Bool { scaledLevel >= scaledCapacity }
  /// The level in whole units, rounded down; below 0 in debt.
  var level: Int64 {
    Int64(saturating: (scaledLevel - Int128(fraction)) / Int128(periodMilliseconds))
  }
  /// What is above `level`, in units divided by the period.
  var fraction: Int64 {
    let remainder = Int64(saturating: scaledLevel % Int128(periodMilliseconds))
    return remainder < 0 ? remainder + periodMilliseconds : remainder
  }

  /// Refills the bucket up to `now`. An earlier time than the last one changes nothing.
  mutating func advance(to now: Int64) {
    guard now > time else { return }
    let elapsed = now.minusSaturating(time)
    time = now
    scaledLevel = min(scaledCapacity, scaledLevel + Int128(amount) * Int128(elapsed))
  }

  /// What was refilled up to now goes on from another time: nothing is refilled for the difference.
  mutating func goOn(at time: Int64) { self.time = time }

  /// Milliseconds from the last refill until the level is `need`, rounded up; 0 where it already
  /// is. `need` is at most the capacity: the level never rises above that.
  func wait(for need: Int64) -> Int64 {
    let missing = Int128(need) * Int128(periodMilliseconds) - scaledLevel
    guard missing > 0 else { return 0 }
    return Int64(saturating: (missing + Int128(amount) - 1) / Int128(amount))
  }

  var millisecondsUntilFull: Int64 { wait(for: capacity) }

  /// Takes `units` out, into debt where the level is too low. Negative units are given back; the
  /// level stops at the capacity.
  mutating func take(_ units: Int64) {
    let scaled = scaledLevel - Int128(units) * Int128(periodMilliseconds)
    scaledLevel = min(
      scaledCapacity, max(scaled, -Int128(Self.debtMax) * Int128(periodMilliseconds)))
  }

  /// Uses another amount and capacity from now on. What was taken and is not refilled stays taken.
  mutating func adopt(amount: Int64, capacity: Int64, now: Int64) {
    advance(to: now)
    let taken = scaledCapacity - scaledLevel
    self.amount = amount
    self.capacity = capacity
    scaledLevel = max(
      scaledCapacity - taken, -Int128(Self.debtMax) * Int128(periodMilliseconds))
  }
}
