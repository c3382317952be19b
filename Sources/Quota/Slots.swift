/// The slots of a `concurrent` limit: how many exchanges may be open at the same time.
struct Slots: Equatable {
  private(set) var amount: Int64
  /// The number of slots that are taken. After a reload it may be above `amount`.
  private(set) var held: Int64

  init(amount: Int64) {
    self.amount = amount
    held = 0
  }

  /// Slots from a checkpoint. Nil where no slots can have these values.
  init?(amount: Int64, held: Int64) {
    guard amount > 0, held >= 0 else { return nil }
    self.amount = amount
    self.held = held
  }

  var remaining: Int64 { max(0, amount - held) }

  mutating func take(_ units: Int64) { giveBack(Int64(0).minusSaturating(units)) }

  mutating func giveBack(_ units: Int64) { held = max(0, held.minusSaturating(units)) }

  mutating func adopt(amount: Int64) { self.amount = amount }
}
