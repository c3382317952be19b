import Metrics
import Policy
import Quota

/// The two metrics of limits, which are most of a page where there are many tenants. Labels are made
/// once for each policy, the figures are kept in memory that is used again.
struct LimitMetrics {
  private struct Line {
    let place: Int
    let amount: Int64
    let remaining: Int64
  }

  private var limits: PolicyLimits?
  private var places: [PolicyLimits.Place] = []
  /// By place: its labels end there, and begin where the one's before ends.
  private var ends: [Int] = []
  private var texts: [UInt8] = []
  private var isMoney: [Bool] = []
  /// Of the limit at hand, in memory that is used again.
  private var labels = LabelText()
  private var lines: [Line] = []

  /// What the lines come to, about, and rather more than less.
  mutating func pageBytesAbout(_ books: Books) -> Int {
    follow(books.currentLimits)
    return 2 * (texts.count + ends.count * 64)
  }

  private mutating func follow(_ current: PolicyLimits) {
    if limits !== current { label(current) }
  }

  /// Writes what the limits give and what is left of them: of a limit with a counter for each caller,
  /// what the tightest has left.
  mutating func write(_ books: Books, to page: inout Exposition) {
    let current = books.currentLimits
    follow(current)
    read(books, current)
    page.metric(
      "ai_gateway_limit_amount", .gauge,
      "What a limit can have at most, in its kind's units. tenant is * for a limit of all together."
    )
    for line in lines { write(line, line.amount, to: &page) }
    page.metric(
      "ai_gateway_limit_remaining", .gauge,
      "What is left of a limit now; of one that counts each caller, what the tightest has left.")
    for line in lines { write(line, line.remaining, to: &page) }
  }

  private func write(_ line: Line, _ value: Int64, to page: inout Exposition) {
    let start = line.place == 0 ? 0 : ends[line.place - 1]
    page.sample(
      text: texts[start..<ends[line.place]], UInt64(max(0, value)),
      per: isMoney[line.place] ? 1_000_000_000 : 1)
  }

  private mutating func read(_ books: Books, _ limits: PolicyLimits) {
    lines.removeAll(keepingCapacity: true)
    books.forEachReading(places, limits) { place, reading, _, _ in
      lines.append(
        Line(place: place, amount: reading.capacity, remaining: reading.remaining))
    }
  }

  private mutating func label(_ limits: PolicyLimits) {
    self.limits = limits
    places = []
    ends = []
    texts = []
    isMoney = []
    for place in limits.globalPlaces { add(place, tenant: "*", limits) }
    for tenant in limits.tenants {
      for place in limits.places(of: tenant) { add(place, tenant: tenant.name.string, limits) }
    }
  }

  private mutating func add(_ place: PolicyLimits.Place, tenant: String, _ limits: PolicyLimits) {
    let rule = limits.catalog.rules[place.rule]
    labels.clear()
    labels.add("tenant", tenant)
    labels.add("limit", rule.name)
    labels.add("kind", rule.kind.rawValue)
    if let per = rule.window.periodName { labels.add("per", per) }
    switch place.owner {
    case .global, .tenant: break
    case .key(let id): labels.add("key", id)
    case .trafficClass(let name): labels.add("class", name)
    }
    places.append(place)
    texts += labels.bytes
    ends.append(texts.count)
    isMoney.append(rule.kind == .usd)
  }
}
