import Terms

/// Counts what happens on one event loop. Only the loop's thread uses it, without a lock and, for a
/// series that it has met before, without an allocation. Other threads read the cells through the
/// registry.
///
/// Not Sendable, because it belongs to its loop.
package final class LoopMetrics {
  private let registry: MetricsRegistry
  private let shared: LoopCells
  /// The cells by family, shared with the registry; fetched anew with each new series.
  private var tables: [CellTable]
  private var names: [String: NameID] = [:]
  private var series: [ExchangeKey: ExchangeSeries] = [:]
  /// By tenant, the last exchange that had series of its own: the next one mostly has the same.
  private var latest: [String: Latest] = [:]
  private var denials: [PairLabels: (series: Int, overflows: Bool)] = [:]

  /// The most tenants of which a loop keeps the last exchange.
  private static let latestMax = 1_000
  /// The most series, and the most denials, that a loop remembers the numbers of.
  private static let rememberedMax = MetricLimits.seriesMax + MetricLimits.otherSeriesMax

  init(_ registry: MetricsRegistry, _ shared: LoopCells) {
    self.registry = registry
    self.shared = shared
    tables = Family.allCases.map { CellTable(stride: $0.stride) }
  }

  /// An exchange and its series; a reference, so that to look at it copies nothing.
  private final class Latest {
    let exchange: FinishedExchange
    let series: ExchangeSeries

    init(_ exchange: FinishedExchange, _ series: ExchangeSeries) {
      self.exchange = exchange
      self.series = series
    }
  }

  // MARK: What happened

  /// An exchange was admitted.
  package func began() { shared.add(1, .began) }

  /// The admission of an exchange was undone: it counts as over, and not as finished.
  package func withdrawn() { shared.add(1, .ended) }

  /// An admitted exchange is over.
  package func finished(_ exchange: FinishedExchange) {
    shared.add(1, .ended)
    let series = series(of: exchange)
    add(1, .requests, series.requests, 0)
    add(1, .tenants, series.tenant, TenantCell.requests.rawValue)
    count(exchange, series)
    if series.overflow != 0 { countOverflow(series.overflow) }
  }

  private func series(of exchange: FinishedExchange) -> ExchangeSeries {
    if let tenant = exchange.tenant, let known = latest[tenant],
      known.exchange.hasLabels(of: exchange)
    {
      return known.series
    }
    var key = ExchangeKey()
    key.tenant = id(exchange.tenant)
    key.route = id(exchange.route)
    key.model = id(exchange.model)
    key.modelRoute = id(exchange.modelRoute)
    key.trafficClass = id(exchange.trafficClass)
    key.status = StatusLabel(exchange.status)
    key.stream = StreamLabel(exchange.stream)
    key.origin = exchange.origin
    if exchange.operation != nil, exchange.model != nil {
      key.operation = exchange.operation
      key.provider = id(exchange.provider)
      key.error = ErrorLabel(exchange.status, exchange.fault)
    }
    let series = series(of: key)
    if let tenant = exchange.tenant, series.overflow == 0,
      latest.count < Self.latestMax || latest[tenant] != nil
    {
      latest[tenant] = Latest(exchange, series)
    }
    return series
  }

  private func count(_ exchange: FinishedExchange, _ series: ExchangeSeries) {
    let prompt = Self.amount(exchange.promptTokens)
    let completion = Self.amount(exchange.completionTokens)
    let cost = Self.amount(exchange.costNanodollars)
    use(.prompt, prompt, series)
    use(.completion, completion, series)
    use(.cachedPrompt, Self.amount(exchange.cachedPromptTokens), series)
    use(.cacheWritePrompt, Self.amount(exchange.cacheWritePromptTokens), series)
    use(.reasoning, Self.amount(exchange.reasoningTokens), series)
    use(.costNanodollars, cost, series)
    use(.estimated, exchange.isEstimated ? 1 : 0, series)
    use(.disputed, Self.amount(exchange.disputedTokens), series)
    add(prompt, .tenants, series.tenant, TenantCell.prompt.rawValue)
    add(completion, .tenants, series.tenant, TenantCell.completion.rawValue)
    add(cost, .tenants, series.tenant, TenantCell.costNanodollars.rawValue)
    if let duration = exchange.durationMs {
      record(Self.amount(duration), .duration, .durations, series.durations, 0)
    }
    if let first = exchange.firstTokenMs {
      record(Self.amount(first), .firstToken, .firstTokens, series.firstTokens, 0)
    }
    countGenAI(exchange, series)
    guard let route = series.route else { return }
    add(1, .routes, route, RouteCell.requests.rawValue)
    if let status = exchange.status, status >= 500 {
      add(1, .routes, route, RouteCell.errors.rawValue)
    }
    add(prompt, .routes, route, RouteCell.prompt.rawValue)
    add(completion, .routes, route, RouteCell.completion.rawValue)
    if let duration = exchange.durationMs {
      record(Self.amount(duration), .duration, .routes, route, RouteCell.durations)
    }
    if let first = exchange.firstTokenMs {
      record(Self.amount(first), .firstToken, .routes, route, RouteCell.firstTokens)
    }
  }

  /// The metrics of the conventions for generative AI. Tokens are those that the backend reported, and
  /// times to the first token those of answers without an error, as the conventions ask.
  private func countGenAI(_ exchange: FinishedExchange, _ series: ExchangeSeries) {
    guard let genAI = series.genAI else { return }
    if let duration = exchange.durationMs {
      record(Self.amount(duration), .genAIDuration, .genAIDurations, genAI.duration, 0)
    }
    if exchange.isReported {
      if let prompt = exchange.promptTokens {
        record(Self.amount(prompt), .genAITokens, .genAI, genAI.usage, GenAICell.input)
      }
      if let completion = exchange.completionTokens {
        record(Self.amount(completion), .genAITokens, .genAI, genAI.usage, GenAICell.output)
      }
    }
    if let first = exchange.firstTokenMs, !genAI.isError {
      record(Self.amount(first), .genAIFirstToken, .genAI, genAI.usage, GenAICell.firstToken)
    }
  }

  /// An exchange was refused. `wasCounted`: it had been admitted before and so counts as a request
  /// already; then only the refusal is counted.
  package func refused(_ exchange: RefusedExchange, wasCounted: Bool = false) {
    shared.refusals.add(exchange)
    var key = ExchangeKey()
    key.tenant = id(exchange.tenant)
    key.route = id(exchange.route)
    key.model = id(exchange.model)
    key.trafficClass = id(exchange.trafficClass)
    key.status = StatusLabel(exchange.status)
    key.stream = StreamLabel(exchange.stream)
    key.origin = .gateway
    key.isRefused = true
    let series = series(of: key)
    if !wasCounted {
      add(1, .requests, series.requests, 0)
      add(1, .tenants, series.tenant, TenantCell.requests.rawValue)
    }
    add(1, .tenants, series.tenant, TenantCell.denials.rawValue)
    if series.overflow != 0 { countOverflow(series.overflow) }
    let (denial, overflows) = denial(PairLabels(first: key.tenant, second: id(exchange.reason)))
    add(1, .denials, denial, 0)
    if overflows { countOverflow(1 << UInt16(Family.denials.rawValue)) }
  }

  /// An answer could not be read for its usage, so that it was charged by its bytes.
  package func unread(_ reason: UnreadReason) { shared.add(reason) }

  /// Something was used that has no price.
  package func unpriced(_ what: Unpriced) { shared.add(what) }

  /// A gRPC call of Envoy's has ended.
  package func called(_ method: CallMethod, _ status: CallStatus) { shared.add(method, status) }

  /// Tollgate worked on a message for `nanoseconds`.
  @inline(__always)
  package func worked(_ nanoseconds: Int64, _ stage: ProcessingStage) {
    shared.processing[stage.rawValue].record(UInt64(max(0, nanoseconds)))
  }

  // MARK: Series

  private func id(_ name: String?) -> NameID {
    guard let name else { return .none }
    if let known = names[name] { return known }
    let id = registry.id(of: name)
    if names.count < MetricLimits.namesMax { names[name] = id }
    return id
  }

  private func series(of key: ExchangeKey) -> ExchangeSeries {
    if let known = series[key] { return known }
    let isFull = series.count >= Self.rememberedMax
    if isFull, var known = series[key.ofOther] {
      known.overflow = .max
      return known
    }
    let found = registry.series(of: isFull ? key.ofOther : key)
    makeRoom()
    series[isFull ? key.ofOther : key] = found
    return found
  }

  private func denial(_ pair: PairLabels) -> (series: Int, overflows: Bool) {
    if let known = denials[pair] { return known }
    let found = registry.denials(tenant: pair.first, reason: pair.second)
    makeRoom()
    if denials.count < Self.rememberedMax { denials[pair] = found }
    return found
  }

  /// Makes cells for every series that the registry has by now.
  private func makeRoom() { tables = registry.grow(shared) }

  // MARK: Cells

  @inline(__always)
  private func add(_ amount: UInt64, _ family: Family, _ series: Int, _ cell: Int) {
    tables[family.rawValue].add(amount, series: series, cell: cell)
  }

  @inline(__always)
  private func use(_ cell: UsageCell, _ amount: UInt64, _ series: ExchangeSeries) {
    if amount > 0 { add(amount, .usage, series.usage, cell.rawValue) }
  }

  @inline(__always)
  private func record(
    _ value: UInt64, _ bounds: HistogramBounds, _ family: Family, _ series: Int, _ first: Int
  ) {
    add(1, family, series, first + bounds.bucket(of: value))
    add(value, family, series, first + bounds.sumCell)
  }

  private func countOverflow(_ families: UInt16) {
    for family in Family.allCases where families >> UInt16(family.rawValue) & 1 == 1 {
      shared.addOverflow(family)
    }
  }

  private static func amount(_ value: Int64?) -> UInt64 { UInt64(max(0, value ?? 0)) }
}
