import Terms

/// The series of an exchange in each family: what a loop remembers for its next exchange like it.
struct ExchangeSeries {
  var requests = 0
  var durations = 0
  var firstTokens = 0
  var usage = 0
  /// nil where no model route was chosen.
  var route: Int?
  var tenant = 0
  /// Families whose limit made the tenant `other`, a bit each.
  var overflow: UInt8 = 0
}

/// The labels of one family's series.
struct RequestLabels: Hashable {
  let tenant: NameID
  let route: NameID
  let modelRoute: NameID
  let trafficClass: NameID
  let status: StatusLabel
  let stream: StreamLabel
  let origin: Origin?

  init(_ key: ExchangeKey) {
    tenant = key.tenant
    route = key.route
    modelRoute = key.modelRoute
    trafficClass = key.trafficClass
    status = key.status
    stream = key.stream
    origin = key.origin
  }
}

struct LatencyLabels: Hashable {
  let tenant: NameID
  let route: NameID
  let modelRoute: NameID

  init(_ key: ExchangeKey) {
    tenant = key.tenant
    route = key.route
    modelRoute = key.modelRoute
  }
}

struct PairLabels: Hashable {
  let first: NameID
  let second: NameID
}

/// Every series there is, and the numbers that they have in every loop.
struct SeriesIndex {
  private(set) var names = LabelNames()
  private(set) var requests: SeriesTable<RequestLabels>
  private(set) var denials: SeriesTable<PairLabels>
  private(set) var durations: SeriesTable<LatencyLabels>
  private(set) var firstTokens: SeriesTable<LatencyLabels>
  private(set) var usage: SeriesTable<PairLabels>
  private(set) var routes: SeriesTable<PairLabels>
  private(set) var tenants: SeriesTable<NameID>

  /// - Parameter seriesMax: smaller limits, for tests.
  init(seriesMax: (Family) -> Int = { $0.seriesMax }) {
    requests = .init(limit: seriesMax(.requests))
    denials = .init(limit: seriesMax(.denials))
    durations = .init(limit: seriesMax(.durations))
    firstTokens = .init(limit: seriesMax(.firstTokens))
    usage = .init(limit: seriesMax(.usage))
    routes = .init(limit: seriesMax(.routes))
    tenants = .init(limit: seriesMax(.tenants))
  }

  mutating func id(of name: String) -> NameID { names.id(of: name) }

  /// The number of a name that has been met.
  func known(_ name: String) -> NameID? { names.known(name) }

  func count(_ family: Family) -> Int {
    switch family {
    case .requests: requests.count
    case .denials: denials.count
    case .durations: durations.count
    case .firstTokens: firstTokens.count
    case .usage: usage.count
    case .routes: routes.count
    case .tenants: tenants.count
    }
  }

  func texts(_ family: Family) -> SeriesTexts {
    switch family {
    case .requests: requests.texts
    case .denials: denials.texts
    case .durations: durations.texts
    case .firstTokens: firstTokens.texts
    case .usage: usage.texts
    case .routes: routes.texts
    case .tenants: tenants.texts
    }
  }

  /// The series of an exchange, made where there are none: under its tenant, else under `other`, else
  /// with every label `other`.
  mutating func series(of key: ExchangeKey) -> ExchangeSeries {
    var series = ExchangeSeries()
    series.requests = number(key, .requests, &series) { index, key, limit in
      let labels = RequestLabels(key)
      return index.requests.number(of: labels, limit: limit) { [names = index.names] in
        Self.text(labels, names)
      }
    }
    series.tenant = number(key, .tenants, &series) { index, key, limit in
      index.tenants.number(of: key.tenant, limit: limit) { [] }
    }
    if key.modelRoute != .none {
      series.route = number(key, .routes, &series) { index, key, limit in
        let pair = PairLabels(first: key.model, second: key.modelRoute)
        return index.routes.number(of: pair, limit: limit) { [] }
      }
    }
    guard !key.isRefused else { return series }
    series.usage = number(key, .usage, &series) { index, key, limit in
      let pair = PairLabels(first: key.tenant, second: key.modelRoute)
      return index.usage.number(of: pair, limit: limit) { [names = index.names] in
        Self.text(pair, "tenant", "model_route", names)
      }
    }
    series.durations = number(key, .durations, &series) { index, key, limit in
      let labels = LatencyLabels(key)
      return index.durations.number(of: labels, limit: limit) { [names = index.names] in
        Self.text(labels, names)
      }
    }
    series.firstTokens = number(key, .firstTokens, &series) { index, key, limit in
      let labels = LatencyLabels(key)
      return index.firstTokens.number(of: labels, limit: limit) { [names = index.names] in
        Self.text(labels, names)
      }
    }
    return series
  }

  /// The series of a refusal's reason, and whether it is `other`'s.
  mutating func denials(tenant: NameID, reason: NameID) -> (series: Int, overflows: Bool) {
    pair(tenant, reason, .denials) { index, pair, limit in
      index.denials.number(of: pair, limit: limit) { [names = index.names] in
        Self.text(pair, "tenant", "reason", names)
      }
    }
  }

  private mutating func pair(
    _ tenant: NameID, _ second: NameID, _ family: Family,
    _ find: (inout SeriesIndex, PairLabels, Int?) -> Int?
  ) -> (series: Int, overflows: Bool) {
    var series = ExchangeSeries()
    var key = ExchangeKey()
    key.tenant = tenant
    // No key of its own for a pair: the second stands where the route does.
    key.route = second
    let number = number(key, family, &series) { index, key, limit in
      find(&index, PairLabels(first: key.tenant, second: key.route), limit)
    }
    return (number, series.overflow != 0)
  }

  private mutating func number(
    _ key: ExchangeKey, _ family: Family, _ series: inout ExchangeSeries,
    _ find: (inout SeriesIndex, ExchangeKey, Int?) -> Int?
  ) -> Int {
    if let number = find(&self, key, nil) { return number }
    series.overflow |= 1 << UInt8(family.rawValue)
    let limit = limit(family) + MetricLimits.otherSeriesMax
    if let number = find(&self, key.ofOther, limit) { return number }
    guard let last = find(&self, .other, limit + 1) else {
      preconditionFailure("there is room for one series more")
    }
    return last
  }

  private func limit(_ family: Family) -> Int {
    switch family {
    case .requests: requests.limit
    case .denials: denials.limit
    case .durations: durations.limit
    case .firstTokens: firstTokens.limit
    case .usage: usage.limit
    case .routes: routes.limit
    case .tenants: tenants.limit
    }
  }

  // MARK: Texts

  private static func text(_ labels: RequestLabels, _ names: LabelNames) -> [UInt8] {
    var text = LabelText()
    text.add("tenant", names[labels.tenant])
    text.add("route", names[labels.route])
    text.add("model_route", names[labels.modelRoute])
    text.add("status", labels.status.text)
    text.add("stream", labels.stream.text)
    text.add("class", names[labels.trafficClass])
    text.add("origin", labels.origin?.rawValue ?? "none")
    return text.bytes
  }

  private static func text(_ labels: LatencyLabels, _ names: LabelNames) -> [UInt8] {
    var text = LabelText()
    text.add("tenant", names[labels.tenant])
    text.add("route", names[labels.route])
    text.add("model_route", names[labels.modelRoute])
    return text.bytes
  }

  private static func text(
    _ pair: PairLabels, _ first: StaticString, _ second: StaticString, _ names: LabelNames
  ) -> [UInt8] {
    var text = LabelText()
    text.add(first, names[pair.first])
    text.add(second, names[pair.second])
    return text.bytes
  }
}
