import Books
import Policy
import Quota
import Terms

/// Writes the two metrics of limits, which are most of the page where there are many tenants. So the
/// labels are made once for each policy, and the memory for the values is used again.
struct LimitMetrics {
  private struct Line {
    let place: Int
    let amount: Int64
    let remaining: Int64
  }

  private static let labelBytesAbout = 80
  /// How many combinations of name, kind and period are remembered while labels are made.
  private static let alikeMax = 1_000

  private var limits: PolicyLimits?
  private var places: [PolicyLimits.Place] = []
  /// The index in `labels` at which the labels of each place end. They begin where the ones before end.
  private var ends: [Int] = []
  private var labels = LabelText()
  private var isMoney: [Bool] = []
  private var lines: [Line] = []

  /// About how many bytes `write` writes; rather too many than too few.
  mutating func pageBytesAbout(_ books: Books) -> Int {
    follow(books.currentLimits)
    return 2 * (labels.bytes.count + ends.count * 64)
  }

  /// Makes the labels anew where the policy has changed.
  private mutating func follow(_ current: PolicyLimits) {
    if limits !== current { label(current) }
  }

  /// Writes the amount of each limit and what is left of it. A limit with several counters (for each key
  /// or subject) shows the counter with the least left.
  mutating func write(_ books: Books, to page: inout Exposition) {
    let current = books.currentLimits
    follow(current)
    read(books, current)
    page.metric(
      "ai_gateway_limit_amount", .gauge,
      "The most that a limit allows, in the unit of its kind. tenant is * for a limit of several tenants together."
    )
    for line in lines { write(line, line.amount, to: &page) }
    page.metric(
      "ai_gateway_limit_remaining", .gauge,
      "What is left of a limit now. For a limit with a counter for each caller: the least that one has left."
    )
    for line in lines { write(line, line.remaining, to: &page) }
  }

  private func write(_ line: Line, _ value: Int64, to page: inout Exposition) {
    let start = line.place == 0 ? 0 : ends[line.place - 1]
    page.sample(
      text: labels.bytes[start..<ends[line.place]], UInt64(max(0, value)),
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
    labels = LabelText()
    isMoney = []
    let rules = limits.catalog.rules
    labels.reserve(rules.count * Self.labelBytesAbout)
    places.reserveCapacity(rules.count)
    ends.reserveCapacity(rules.count)
    isMoney.reserveCapacity(rules.count)
    // Most tenants have the same limits, so the labels besides the tenant's are made once for each.
    var alike: [Alike: [UInt8]] = [:]
    func add(_ places: [PolicyLimits.Place], tenant: String) {
      let tenant = LabelText("tenant", tenant).bytes
      for place in places {
        let rule = rules[place.rule]
        let kind = Alike(rule)
        let known = alike[kind]
        let text = known ?? kind.labels
        if known == nil, alike.count < Self.alikeMax { alike[kind] = text }
        self.add(place, tenant, text, isMoney: rule.kind == .usd)
      }
    }
    add(limits.globalPlaces, tenant: "*")
    for (_, places) in limits.groupPlaces { add(places, tenant: "*") }
    for tenant in limits.tenants { add(limits.places(of: tenant), tenant: tenant.name.string) }
  }

  private mutating func add(
    _ place: PolicyLimits.Place, _ tenant: [UInt8], _ kind: [UInt8], isMoney: Bool
  ) {
    labels.next()
    labels.add(tenant)
    labels.add(kind)
    switch place.owner {
    case .global, .tenant: break
    case .group(let name): labels.add("group", name)
    case .key(let id): labels.add("key", id)
    case .trafficClass(let name): labels.add("class", name)
    }
    places.append(place)
    ends.append(labels.bytes.count)
    self.isMoney.append(isMoney)
  }

  /// What limits must have in common to have the same labels, besides their owner's.
  private struct Alike: Hashable {
    let name: String
    let kind: LimitKind
    let per: String?
    let isShadow: Bool

    init(_ rule: LimitRule) {
      name = rule.name
      kind = rule.kind
      per = rule.window.periodName
      isShadow = rule.isShadow
    }

    var labels: [UInt8] {
      var text = LabelText("limit", name)
      text.add("kind", kind.rawValue)
      if let per { text.add("per", per) }
      if isShadow { text.add("mode", "shadow") }
      return text.bytes
    }
  }
}
