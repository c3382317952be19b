import Bytes
import Terms

/// Daily totals in a checkpoint. Members that are null or 0 are left out.
extension DayTotals {
  func encodeSpan(into line: inout JSONWriter) {
    line.field("timezone", timeZone)
    line.field("totals_since", timeMs: sinceMs)
  }

  func encodeLists(into line: inout JSONWriter) {
    line.array("totals") { line in
      for (key, totals) in rows.sorted(by: { $0.key < $1.key }) {
        line.object { Self.encode(key, totals, into: &$0) }
      }
    }
    line.array("keys") { line in
      for (key, timeMs) in lastUses.sorted(by: { $0.key < $1.key }) {
        line.object { line in
          line.field("tenant", identifier: key.tenant)
          line.field("key_id", identifier: key.keyID)
          line.field("last_used", timeMs: timeMs)
        }
      }
    }
  }

  private static func encode(_ key: Key, _ totals: UsageTotals, into line: inout JSONWriter) {
    if key.isMonth {
      line.field("month", LocalDays.text(month: key.day))
    } else {
      line.field("day", LocalDays.text(day: key.day))
    }
    if let tenant = key.tenant { line.field("tenant", identifier: tenant) }
    if let keyID = key.keyID { line.field("key_id", identifier: keyID) }
    if let model = key.model { line.field("model", identifier: model) }
    for field in UsageTotals.fields where totals[keyPath: field.path] != 0 {
      line.field(any: field.name, totals[keyPath: field.path])
    }
    if let cost = totals.costNanodollars { line.field("cost_usd", dollarsOf: cost) }
  }

  /// Nil where the checkpoint has none.
  init?(wherePresent fields: inout FieldReader) throws(RecordProblem) {
    guard let timeZone = try fields.textWherePresent("timezone") else { return nil }
    self.init(timeZone: timeZone, sinceMs: try fields.time("totals_since"))
    for element in try fields.array("totals") {
      var members = try FieldReader(element, "totals")
      let key = try Self.key(&members)
      var totals = UsageTotals()
      for field in UsageTotals.fields {
        let value = try members.integerWherePresent(field.name) ?? 0
        guard value >= 0 else { throw .wrongValue(field.name) }
        totals[keyPath: field.path] = value
      }
      totals.costNanodollars = try members.dollarsWherePresent("cost_usd")
      try members.finish()
      restore(row: key, totals)
    }
    for element in try fields.array("keys") {
      var members = try FieldReader(element, "keys")
      let key = KeyName(tenant: try members.text("tenant"), keyID: try members.text("key_id"))
      restore(lastUse: try members.time("last_used"), of: key)
      try members.finish()
    }
  }

  private static func key(_ members: inout FieldReader) throws(RecordProblem) -> Key {
    let day: Int64?
    let month = try members.textWherePresent("month")
    if let month {
      day = LocalDays.day(month + "-01")
    } else {
      day = LocalDays.day(try members.text("day"))
    }
    guard let day else { throw .wrongValue("day") }
    return Key(
      day: day, isMonth: month != nil, tenant: try members.textWherePresent("tenant"),
      keyID: try members.textWherePresent("key_id"),
      model: try members.textWherePresent("model"))
  }
}
