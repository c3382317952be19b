import Terms

/// The counters of one loop: written by its thread alone, without a lock and, once a series is known,
/// without an allocation; read by anybody through the registry.
///
/// Not Sendable: it belongs to its loop. What others read are the cells behind it.
package final class LoopMetrics {
  private let registry: MetricsRegistry
  private let shared: LoopCells
  /// The cells as of the last new series; the registry has the same.
  private var tables: [CellTable]
  private var names: [String: NameID] = [:]
  private var series: [ExchangeKey: ExchangeSeries] = [:]
  private var denials: [PairLabels: (series: Int, overflows: Bool)] = [:]

  /// What a loop remembers of each kind.
  private static let rememberedMax = MetricLimits.seriesMax + MetricLimits.otherSeriesMax

  init(_ registry: MetricsRegistry, _ shared: LoopCells) {
    self.registry = registry
    self.shared = shared
    tables = Family.allCases.map { CellTable(stride: $0.stride) }
  }

  // MARK: What happened

  /// An exchange was let through.
  package func began() { shared.add(1, .began) }

  /// An exchange that was let through will never be counted as finished: its admission was undone.
  package func withdrawn() { shared.add(1, .ended) }

  /// An exchange that was let through is over.
  package func finished(_ exchange: FinishedExchange) {
    shared.add(1, .ended)
    var key = ExchangeKey()
    key.tenant = id(exchange.tenant)
    key.route = id(exchange.route)
    key.model = id(exchange.model)
    key.modelRoute = id(exchange.modelRoute)
    key.trafficClass = id(exchange.trafficClass)
    key.status = StatusLabel(exchange.status)
    key.stream = StreamLabel(exchange.stream)
    key.origin = exchange.origin
    let series = series(of: key)
    add(1, .requests, series.requests, 0)
    add(1, .tenants, series.tenant, TenantCell.requests.rawValue)
    count(exchange, series)
    if series.overflow != 0 { countOverflow(series.overflow) }
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
    add(prompt, .tenants, series.tenant, TenantCell.prompt.rawValue)
    add(completion, .tenants, series.tenant, TenantCell.completion.rawValue)
    add(cost, .tenants, series.tenant, TenantCell.costNanodollars.rawValue)
    if let duration = exchange.durationMs {
      record(Self.amount(duration), .duration, .durations, series.durations, 0)
    }
    if let first = exchange.firstTokenMs {
      record(Self.amount(first), .firstToken, .firstTokens, series.firstTokens, 0)
    }
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

  /// An exchange was refused. `wasCounted`: as a request it has been counted, when it was let through
  /// before; it is a refusal all the same.
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
    if overflows { countOverflow(1 << UInt8(Family.denials.rawValue)) }
  }

  /// A call of Envoy's is over.
  package func called(_ method: CallMethod, _ status: CallStatus) { shared.add(method, status) }

  /// We worked for so long on a message of that kind.
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

  /// Cells for every series that there is by now.
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

  private func countOverflow(_ families: UInt8) {
    for family in Family.allCases where families >> UInt8(family.rawValue) & 1 == 1 {
      shared.addOverflow(family)
    }
  }

  private static func amount(_ value: Int64?) -> UInt64 { UInt64(max(0, value ?? 0)) }
}

/// The cells of one loop as everybody sees them.
final class LoopCells: Sendable {
  enum Cell: Int { case began, ended }

  let processing = ProcessingStage.allCases.map { _ in Histogram(.processing) }
  let refusals = RecentRefusals()
  private let cells = CellBlock()
  private static let firstOverflow = 8
  private static let firstCall = 32

  @inline(__always)
  func add(_ amount: UInt64, _ cell: Cell) { cells.add(amount, at: cell.rawValue) }

  func value(_ cell: Cell) -> UInt64 { cells.value(at: cell.rawValue) }

  func add(_ method: CallMethod, _ status: CallStatus) {
    cells.add(1, at: Self.cell(method, status))
  }

  func calls(_ method: CallMethod, _ status: CallStatus) -> UInt64 {
    cells.value(at: Self.cell(method, status))
  }

  private static func cell(_ method: CallMethod, _ status: CallStatus) -> Int {
    firstCall + method.rawValue * CallStatus.allCases.count + status.rawValue
  }

  func addOverflow(_ family: Family) { cells.add(1, at: Self.firstOverflow + family.rawValue) }

  func overflow(_ family: Family) -> UInt64 {
    cells.value(at: Self.firstOverflow + family.rawValue)
  }
}
