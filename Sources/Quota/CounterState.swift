/// A counter as a checkpoint holds it: its name and kind, and integers by name.
///
/// | shape    | fields beside `amount` and `open` |
/// |----------|-----------------------------------|
/// | bucket   | `capacity`, `period` (ms), `level` (whole units, rounded down, below 0 in debt), `fraction` (of the period, above the level), `time` (ms, up to which it is refilled) |
/// | calendar | `unit` (0 day, 1 week, 2 month), `window` and `end` (ms), `used`, `reserved` |
/// | slots    | `held` |
///
/// `open` counts the reservations that are not settled.
package struct CounterState: Sendable, Equatable {
  package let counter: String
  package let kind: LimitKind
  /// In the order they are written.
  package let fields: [Field]

  package struct Field: Sendable, Equatable {
    package let name: String
    package let value: Int64

    package init(_ name: String, _ value: Int64) {
      self.name = name
      self.value = value
    }
  }

  package init(counter: String, kind: LimitKind, fields: [Field]) {
    self.counter = counter
    self.kind = kind
    self.fields = fields
  }

  package subscript(_ name: String) -> Int64? { fields.first { $0.name == name }?.value }

  init(_ counter: Counter, kind: LimitKind) {
    var fields: [Field]
    switch counter.count {
    case .bucket(let bucket):
      fields = [
        Field("amount", bucket.amount), Field("capacity", bucket.capacity),
        Field("period", bucket.periodMilliseconds), Field("level", bucket.level),
        Field("fraction", bucket.fraction), Field("time", bucket.time),
      ]
    case .budget(let budget):
      fields = [
        Field("amount", budget.amount), Field("unit", Int64(budget.unit.rawValue)),
        Field("window", budget.window.start), Field("end", budget.window.end),
        Field("used", budget.used), Field("reserved", budget.reserved),
      ]
    case .slots(let slots): fields = [Field("amount", slots.amount), Field("held", slots.held)]
    }
    fields.append(Field("open", counter.open))
    self.init(counter: counter.name, kind: kind, fields: fields)
  }

  /// The count it was made of; nil where none can be so.
  var count: Count? {
    guard let amount = self["amount"] else { return nil }
    if let held = self["held"] {
      guard kind == .concurrent else { return nil }
      return Slots(amount: amount, held: held).map { .slots($0) }
    }
    guard kind != .concurrent else { return nil }
    if let capacity = self["capacity"], let period = self["period"], let level = self["level"],
      let fraction = self["fraction"], let time = self["time"]
    {
      return Bucket(
        amount: amount, capacity: capacity, periodMilliseconds: period, level: level,
        fraction: fraction, time: time
      ).map { .bucket($0) }
    }
    guard let unit = self["unit"].flatMap({ CalendarUnit(rawValue: Int($0)) }),
      let start = self["window"], let end = self["end"], let used = self["used"],
      let reserved = self["reserved"]
    else { return nil }
    return Budget(
      unit: unit, amount: amount, window: CalendarWindow(start: start, end: end), used: used,
      reserved: reserved
    ).map { .budget($0) }
  }
}

extension Count {
  /// The window of a limit that counts so.
  var window: LimitWindow {
    switch self {
    case .bucket(let bucket):
      .bucket(periodMilliseconds: bucket.periodMilliseconds, capacity: bucket.capacity)
    case .budget(let budget): .calendar(budget.unit)
    case .slots: .slots
    }
  }

  var amount: Int64 {
    switch self {
    case .bucket(let bucket): bucket.amount
    case .budget(let budget): budget.amount
    case .slots(let slots): slots.amount
    }
  }
}
