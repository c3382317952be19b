/// One counter as a checkpoint records it: its name, its kind, and named integers.
///
/// | shape    | fields beside `amount` and `open` |
/// |----------|-----------------------------------|
/// | bucket   | `capacity`, `period` (ms), `level` (whole units, rounded down; below 0 in debt), `fraction` (what is above `level`, in units divided by the period), `time` (ms, the time of the last refill) |
/// | calendar | `unit` (0 day, 1 week, 2 month), `window` and `end` (ms), `used`, `reserved`, `told` (the largest share that somebody was told of, in thousandths; where there is one) |
/// | slots    | `held` |
///
/// A counter that is shared through a store also has `seen`, the sum that the store said last in the
/// store's unit, and `seen_at`, when, by the store's clock; the other fields are then this replica's
/// own use.
///
/// Times are Unix milliseconds. `open` is the number of reservations that are not settled. `Quota`
/// gives the fields their meaning; `Ledger` writes and reads them by name.
package struct CounterState: Sendable, Equatable {
  /// One named integer.
  package struct Field: Sendable, Equatable {
    /// The JSON field's name, one of the table above.
    package var name: String
    /// In the unit that the name stands for.
    package var value: Int64

    package init(_ name: String, _ value: Int64) {
      self.name = name
      self.value = value
    }
  }

  /// The counter's name, as in `Charge.counter`.
  package var counter: String
  /// What its limit counts.
  package var kind: LimitKind
  /// In the order in which they are written.
  package var fields: [Field]

  package init(counter: String, kind: LimitKind, fields: [Field]) {
    self.counter = counter
    self.kind = kind
    self.fields = fields
  }

  /// The integer of that name, if the counter has it.
  package subscript(_ name: String) -> Int64? { fields.first { $0.name == name }?.value }
}
