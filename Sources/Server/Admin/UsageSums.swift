import Books
import Bytes
import Ledger
import Policy
import Terms

/// `/api/v1/usage`: what was used today, yesterday, this month and the last, out of the ledger; who spent
/// most; and each key with its last use and what it spent.
///
/// On the admin server's thread.
struct UsageSums {
  /// How many spenders are listed.
  static let topMax = 10
  /// How many keys are listed, those that were used last.
  static let keysMax = 1_000

  private let totals: DayTotals
  private let spenders: SpenderTable
  private let today: Int64

  init(_ books: Books) {
    (totals, spenders, today) = books.usage
  }

  private var month: Int64 { LocalDays.firstOfMonth(today) }

  /// The whole answer.
  var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      add(to: &json)
      top(&json)
      keys(&json)
    }
    return json.bytes
  }

  /// The sums alone, as `/api/v1/status` has them too.
  func add(to json: inout JSONWriter) {
    json.field("timezone", totals.timeZone)
    json.field("since", timeMs: totals.sinceMs)
    for (name, first, last) in [
      ("today", today, today), ("yesterday", today - 1, today - 1), ("this_month", month, today),
      ("last_month", LocalDays.firstOfMonth(today, plus: -1), month - 1),
    ] as [(StaticString, Int64, Int64)] {
      let sums = totals.sums(from: first, to: last) { _ in 0 }
      json.object(name) { Self.add(sums[0] ?? UsageTotals(), to: &$0) }
    }
  }

  /// A key's last use and what it spent.
  struct KeyUse {
    var lastUsedMs: Int64?
    var today: UsageTotals
    var month: UsageTotals
  }

  /// By tenant and key.
  var keyUses: [DayTotals.KeyName: KeyUse] {
    func sums(from first: Int64) -> [DayTotals.KeyName?: UsageTotals] {
      totals.sums(from: first, to: today) { key in
        guard let tenant = key.tenant, let keyID = key.keyID else { return nil }
        return DayTotals.KeyName(tenant: tenant, keyID: keyID)
      }
    }
    let (days, months) = (sums(from: today), sums(from: month))
    var uses: [DayTotals.KeyName: KeyUse] = [:]
    for name in Set(totals.lastUses.keys).union(months.keys.compactMap(\.self)) {
      uses[name] = KeyUse(
        lastUsedMs: totals.lastUses[name], today: days[name] ?? UsageTotals(),
        month: months[name] ?? UsageTotals())
    }
    return uses
  }

  private func top(_ json: inout JSONWriter) {
    json.object("top") { json in
      // Since the start of the day, or of the process.
      json.array("subjects_today") { json in
        for one in spenders.top(Self.topMax, by: { [$0.tenant, $0.subject] }) {
          json.object { json in
            json.field("tenant", one.name[0])
            json.field("subject", one.name[1])
            Self.add(one.totals, to: &json)
          }
        }
      }
      for (name, field, value) in [
        ("tenants_this_month", "tenant", \DayTotals.Key.tenant),
        ("models_this_month", "model", \.model),
      ] as [(StaticString, StaticString, KeyPath<DayTotals.Key, String?>)] {
        json.array(name) { json in
          let sums = totals.sums(from: month, to: today) { $0[keyPath: value] }
          for (key, totals) in Self.top(sums) {
            json.object { json in
              json.field(field, key)
              Self.add(totals, to: &json)
            }
          }
        }
      }
    }
  }

  private static func top<Name>(
    _ sums: [Name: UsageTotals]
  ) -> [(key: Name, value: UsageTotals)] {
    let sorted = sums.sorted { left, right in
      (left.value.costNanodollars ?? 0, left.value.totalTokens)
        > (right.value.costNanodollars ?? 0, right.value.totalTokens)
    }
    return Array(sorted.prefix(topMax))
  }

  private func keys(_ json: inout JSONWriter) {
    let uses = keyUses.sorted { ($0.value.lastUsedMs ?? 0) > ($1.value.lastUsedMs ?? 0) }
    json.array("keys") { json in
      for (name, use) in uses.prefix(Self.keysMax) {
        json.object { json in
          json.field("tenant", name.tenant)
          Self.add(name.keyID, use, to: &json)
        }
      }
    }
  }

  static func add(_ keyID: String, _ use: KeyUse?, to json: inout JSONWriter) {
    json.field("key_id", keyID)
    json.field("last_used", timeMs: use?.lastUsedMs)
    json.field("today_usd", use?.today.costNanodollars.map(Dollars.text))
    json.field("this_month_usd", use?.month.costNanodollars.map(Dollars.text))
    json.field("this_month_requests", use?.month.requests ?? 0)
  }

  private static func add(_ totals: UsageTotals, to json: inout JSONWriter) {
    for field in UsageTotals.fields {
      json.field(any: field.name, totals[keyPath: field.path])
    }
    json.field("cost_usd", totals.costNanodollars.map(Dollars.text))
  }
}
