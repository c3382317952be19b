import Terms

/// All series, by family and labels, with their numbers.
struct SeriesIndex: Sendable {
  private(set) var names = LabelNames()
  private(set) var requests: SeriesTable<RequestLabels>
  private(set) var denials: SeriesTable<PairLabels>
  private(set) var durations: SeriesTable<LatencyLabels>
  private(set) var firstTokens: SeriesTable<LatencyLabels>
  private(set) var usage: SeriesTable<PairLabels>
  private(set) var routes: SeriesTable<PairLabels>
  private(set) var tenants: SeriesTable<NameID>
  private(set) var genAI: SeriesTable<GenAILabels>
  private(set) var genAIDurations: SeriesTable<GenAILabels>

  /// - Parameter seriesMax: smaller limits, for tests.
  init(seriesMax: (Family) -> Int = { $0.seriesMax }) {
    requests = .init(limit: seriesMax(.requests))
    denials = .init(limit: seriesMax(.denials))
    durations = .init(limit: seriesMax(.durations))
    firstTokens = .init(limit: seriesMax(.firstTokens))
    usage = .init(limit: seriesMax(.usage))
    routes = .init(limit: seriesMax(.routes))
    tenants = .init(limit: seriesMax(.tenants))
    genAI = .init(limit: seriesMax(.genAI))
    genAIDurations = .init(limit: seriesMax(.genAIDurations))
  }

  mutating func id(of name: String) -> NameID { names.id(of: name) }

  /// The number of a label value that has been met; nil for any other.
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
    case .genAI: genAI.count
    case .genAIDurations: genAIDurations.count
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
    case .genAI: genAI.texts
    case .genAIDurations: genAIDurations.texts
    }
  }

  /// The series of an exchange in each family; new ones are made. Where a family is full, the series
  /// has the tenant `other`, and where that is full too, every label is `other`.
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
    if key.operation != nil { series.genAI = genAI(key, &series) }
    return series
  }

  private mutating func genAI(
    _ key: ExchangeKey, _ series: inout ExchangeSeries
  ) -> (usage: Int, duration: Int, isError: Bool) {
    var plain = key
    plain.error = .none
    let usage = number(plain, .genAI, &series) { index, key, limit in
      let labels = GenAILabels(key)
      return index.genAI.number(of: labels, limit: limit) { [names = index.names] in
        Self.text(labels, names)
      }
    }
    let duration = number(key, .genAIDurations, &series) { index, key, limit in
      let labels = GenAILabels(key)
      return index.genAIDurations.number(of: labels, limit: limit) { [names = index.names] in
        Self.text(labels, names)
      }
    }
    return (usage, duration, key.error != .none)
  }

  /// The series of a refusal, and whether its tenant became `other` because the family is full.
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
    // There is no key for a pair alone, so the second label takes the route's place.
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
    series.overflow |= 1 << UInt16(family.rawValue)
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
    case .genAI: genAI.limit
    case .genAIDurations: genAIDurations.limit
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

  private static func text(_ labels: GenAILabels, _ names: LabelNames) -> [UInt8] {
    var text = LabelText()
    text.add("gen_ai_operation_name", labels.operation?.rawValue ?? "other")
    text.add("gen_ai_provider_name", names[labels.provider])
    text.add("gen_ai_request_model", names[labels.model])
    if let error = labels.error.text { text.add("error_type", error) }
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
