/// A counter as a checkpoint holds it: its name and kind, and integers by name.
///
/// | shape    | fields beside `amount` and `open` |
/// |----------|-----------------------------------|
/// | bucket   | `capacity`, `period` (ms), `level` (whole units, rounded down, below 0 in debt), `fraction` (of the period, above the level), `time` (ms, up to which it is refilled) |
/// | calendar | `unit` (0 day, 1 week, 2 month), `window` and `end` (ms), `used`, `reserved` |
/// | slots    | `held` |
///
/// `open` counts the reservations that are not settled. The quota engine gives the fields their
/// meaning; the ledger writes and reads them by name.
package struct CounterState: Sendable, Equatable {
  package struct Field: Sendable, Equatable {
    package var name: String
    package var value: Int64

    package init(_ name: String, _ value: Int64) {
      self.name = name
      self.value = value
    }
  }

  package var counter: String
  package var kind: LimitKind
  /// In the order they are written.
  package var fields: [Field]

  package init(counter: String, kind: LimitKind, fields: [Field]) {
    self.counter = counter
    self.kind = kind
    self.fields = fields
  }

  /// The integer of that name, if the counter has it.
  package subscript(_ name: String) -> Int64? { fields.first { $0.name == name }?.value }
}
