import Bytes
import Terms

/// The prices of some models of a price map, as a fragment of a policy, and what was left out.
package struct PriceFragment: Sendable {
  /// What was left out or changed, and of which models, in the order in which it was found.
  package private(set) var notes: [(text: String, models: [String])] = []
  /// Whether each model that was named has prices.
  package private(set) var isComplete = true
  /// How many models have prices in it.
  package var count: Int { models.count }

  private var models: [(name: String, prices: PriceMapEntry)] = []
  private var noteIndex: [String: Int] = [:]

  mutating func add(_ name: String, _ value: JSON5Value, isNamed: Bool) {
    do throws(PriceMapEntry.Unusable) {
      let entry = try PriceMapEntry(value)
      for text in entry.notes { note(text, name) }
      guard !entry.isEmpty else {
        isComplete = isComplete && !isNamed
        return note("the map has no price that the policy knows", name)
      }
      guard PolicyReading.isModelName(name) else {
        isComplete = isComplete && !isNamed
        return note("left out: no name that a model can have in a policy", name)
      }
      models.append((name, entry))
    } catch {
      isComplete = false
      note("left out: \(error.reason)", name)
    }
  }

  mutating func lacks(_ name: String, _ suggestion: String) {
    isComplete = false
    note("the map has no model of that name\(suggestion)", name)
  }

  private mutating func note(_ text: String, _ model: String) {
    if let index = noteIndex[text] {
      if notes[index].models.last != model { notes[index].models.append(model) }
    } else {
      noteIndex[text] = notes.count
      notes.append((text, [model]))
    }
  }

  // MARK: As text

  /// `{ "models": { NAME: { prices } } }`, which is JSON and so also JSON5.
  package var text: String {
    var text = FragmentText()
    text.object { text in
      text.object("models") { text in
        for model in models { text.object(model.name) { Self.write(model.prices, to: &$0) } }
      }
    }
    return text.text
  }

  private static func write(_ entry: PriceMapEntry, to text: inout FragmentText) {
    if !entry.tokens.isEmpty {
      text.object("price_usd_per_million") { text in
        write(entry, tier: nil, to: &text)
        let tiers = Set(entry.tokens.keys.compactMap(\.tier)).sorted()
        if !tiers.isEmpty {
          text.object("tiers") { text in
            for tier in tiers { text.object(tier) { write(entry, tier: tier, to: &$0) } }
          }
        }
        if !entry.regions.isEmpty {
          text.object("regions") { text in
            for (region, factor) in entry.regions.sorted(by: { $0.key > $1.key }) {
              text.number(region, UsageUnits.text(factor))
            }
          }
        }
      }
    }
    for price in PriceMapEntry.OtherPrice.allCases where !price.isPerThousand {
      if let nanos = entry.others[price] { text.number(price.rawValue, Dollars.text(nanos)) }
    }
    let thousands = PriceMapEntry.OtherPrice.allCases.filter {
      $0.isPerThousand && entry.others[$0] != nil
    }
    if !thousands.isEmpty {
      text.object("price_usd_per_thousand") { text in
        for price in thousands {
          text.number(price.rawValue, Dollars.text(entry.others[price] ?? 0))
        }
      }
    }
  }

  /// The prices of a tier, and its `above`.
  private static func write(
    _ entry: PriceMapEntry, tier: String?, to text: inout FragmentText
  ) {
    func list(_ prices: [TokenKind: Int64], _ text: inout FragmentText) {
      for kind in TokenKind.allCases {
        if let price = prices[kind] {
          text.number(kind.rawValue, Dollars.perMillionText(picodollars: price))
        }
      }
    }
    list(entry.tokens[PriceMapField.Place(tier: tier)] ?? [:], &text)
    for (place, prices) in entry.tokens where place.tier == tier {
      guard let above = place.above else { continue }
      text.object("above") { text in
        text.number("prompt_tokens", String(above))
        list(prices, &text)
      }
    }
  }
}

/// Writes JSON for people: two spaces for each level.
private struct FragmentText {
  private(set) var text = ""
  private var depth = 0
  private var isFirst = true

  mutating func object(_ name: String? = nil, _ fill: (inout FragmentText) -> Void) {
    begin(name)
    text += "{"
    depth += 1
    isFirst = true
    fill(&self)
    depth -= 1
    if !isFirst { text += "\n" + indent }
    text += "}"
    isFirst = false
  }

  mutating func number(_ name: String, _ digits: String) {
    begin(name)
    text += digits
    isFirst = false
  }

  private mutating func begin(_ name: String?) {
    guard let name else { return }
    var quoted: [UInt8] = []
    JSONString.append(name, to: &quoted)
    text += (isFirst ? "\n" : ",\n") + indent + String(decoding: quoted, as: UTF8.self) + ": "
  }

  private var indent: String { String(repeating: "  ", count: depth) }
}
