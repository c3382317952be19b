import Terms

/// Writes each shape of count as the fields of a checkpoint, and reads it back.
extension CounterState {
  init(_ counter: Counter, kind: LimitKind, seen: Statement.Seen?) {
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
      if budget.told.thousandths > 0 { fields.append(Field("told", budget.told.thousandths)) }
      for (index, left) in budget.left.enumerated() {
        fields += [
          Field("window_\(index + 1)", left.window.start),
          Field("end_\(index + 1)", left.window.end), Field("used_\(index + 1)", left.used),
          Field("reserved_\(index + 1)", left.reserved),
        ]
        if left.told.thousandths > 0 {
          fields.append(Field("told_\(index + 1)", left.told.thousandths))
        }
      }
    case .slots(let slots): fields = [Field("amount", slots.amount), Field("held", slots.held)]
    }
    fields.append(Field("open", counter.open))
    if let seen { fields += [Field("seen", seen.sum), Field("seen_at", seen.atMs)] }
    self.init(counter: counter.name, kind: kind, fields: fields)
  }

  /// The count that these fields describe; nil where a field is missing or has an impossible value.
  /// `now`: no bucket was refilled later.
  func count(now: Int64) -> Count? {
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
        fraction: fraction, time: min(time, now)
      ).map { .bucket($0) }
    }
    guard let unit = self["unit"].flatMap({ CalendarUnit(rawValue: Int($0)) }),
      let start = self["window"], let end = self["end"], let used = self["used"],
      let reserved = self["reserved"]
    else { return nil }
    return Budget(
      unit: unit, amount: amount, window: CalendarWindow(start: start, end: end), used: used,
      reserved: reserved, told: WarningShare(thousandths: self["told"] ?? 0), left: left
    ).map { .budget($0) }
  }

  /// The sum of a shared counter that the store said last; older ledgers have none.
  var seen: Statement.Seen? {
    guard let sum = self["seen"], let at = self["seen_at"], sum >= 0, at >= 0 else { return nil }
    return Statement.Seen(sum: sum, atMs: at)
  }

  /// The windows of a budget beside the current one: older ledgers have none.
  private var left: [Budget.Left] {
    (1...Budget.leftMax + 1).compactMap { number in
      guard let start = self["window_\(number)"], let end = self["end_\(number)"],
        let used = self["used_\(number)"], let reserved = self["reserved_\(number)"]
      else { return nil }
      return Budget.Left(
        window: CalendarWindow(start: start, end: end), used: used, reserved: reserved,
        told: WarningShare(thousandths: self["told_\(number)"] ?? 0))
    }
  }
}

extension Count {
  /// The window of the limit that it was counted for.
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
