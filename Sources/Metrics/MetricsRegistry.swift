import Bytes
import Terms

/// The counters of all loops, and the series, whose numbers are the same in every loop. A loop takes the
/// lock only for a series that it has not met before; a reader takes it to copy a few arrays, which
/// share their storage.
package final class MetricsRegistry: Sendable {
  /// What the lock guards.
  private struct State: Sendable {
    var index: SeriesIndex
    var loops: [(cells: LoopCells, tables: [CellTable])] = []
  }

  private let state: Locked<State>
  /// How long the ledger's commits took. Only the ledger's thread records.
  package let commitDurations = Histogram.shortWaits()

  /// How long the store took to answer calls. Only the store's thread records.
  package let storeCallDurations = Histogram.shortWaits()

  /// A registry without loops and series.
  package convenience init() { self.init(seriesMax: { $0.seriesMax }) }

  /// - Parameter seriesMax: smaller limits, for tests.
  init(seriesMax: (Family) -> Int) {
    state = Locked(State(index: SeriesIndex(seriesMax: seriesMax)))
  }

  /// Makes the counters of one more loop. To be called and used on the loop's thread only.
  package func makeLoop() -> LoopMetrics {
    let cells = LoopCells()
    let tables = Family.allCases.map { CellTable(stride: $0.stride) }
    state.withLock { $0.loops.append((cells, tables)) }
    return LoopMetrics(self, cells)
  }

  /// A commit of the ledger took `commitNanoseconds`. Only for the ledger's thread.
  package func record(commitNanoseconds: Int64) {
    commitDurations.record(UInt64(max(0, commitNanoseconds)))
  }

  /// The store answered a call after `storeCallNanoseconds`. Only for the store's thread.
  package func record(storeCallNanoseconds: Int64) {
    storeCallDurations.record(UInt64(max(0, storeCallNanoseconds)))
  }

  // MARK: Loops

  func id(of name: String) -> NameID { state.withLock { $0.index.id(of: name) } }

  func series(of key: ExchangeKey) -> ExchangeSeries { state.withLock { $0.index.series(of: key) } }

  func denials(tenant: NameID, reason: NameID) -> (series: Int, overflows: Bool) {
    state.withLock { $0.index.denials(tenant: tenant, reason: reason) }
  }

  /// Makes cells in a loop for every series, and returns the loop's tables by family.
  func grow(_ cells: LoopCells) -> [CellTable] {
    state.withLock { state in
      guard let place = state.loops.firstIndex(where: { $0.cells === cells }) else { return [] }
      for family in Family.allCases {
        state.loops[place].tables[family.rawValue].grow(toHold: state.index.count(family))
      }
      return state.loops[place].tables
    }
  }

  // MARK: Readers

  /// A family as it is now: its series and their cells in every loop.
  func reading(_ family: Family) -> FamilyReading {
    state.withLock { state in
      FamilyReading(
        count: state.index.count(family), texts: state.index.texts(family),
        tables: state.loops.map { $0.tables[family.rawValue] })
    }
  }

  /// Every loop's cells.
  var allCells: [LoopCells] { state.withLock { $0.loops.map(\.cells) } }

  func overflow(_ family: Family) -> UInt64 {
    allCells.reduce(0) { $0 &+ $1.overflow(family) }
  }

  func processing(_ stage: ProcessingStage) -> HistogramReading {
    var sum = HistogramReading(.processing)
    for cells in allCells { sum.add(cells.processing[stage.rawValue].reading) }
    return sum
  }

  func calls(_ method: CallMethod, _ status: CallStatus) -> UInt64 {
    allCells.reduce(0) { $0 &+ $1.calls(method, status) }
  }

  func unpriced(_ what: Unpriced) -> UInt64 {
    allCells.reduce(0) { $0 &+ $1.unpriced(what) }
  }

  func unread(_ reason: UnreadReason) -> UInt64 {
    allCells.reduce(0) { $0 &+ $1.unread(reason) }
  }

  /// Exchanges that were admitted and are not over.
  package var inflight: UInt64 {
    let all = allCells
    // The ends are read first: an exchange that ends between the two reads still counts as in flight,
    // and one that begins is not missed. The other way round the difference could be negative.
    let ended = all.reduce(0) { $0 &+ $1.value(.ended) }
    let began = all.reduce(0) { $0 &+ $1.value(.began) }
    return began >= ended ? began - ended : 0
  }

  /// The sums over all tenants.
  package var totals: TrafficTotals {
    var totals = TrafficTotals()
    totals.inflight = inflight
    let reading = reading(.tenants)
    for series in 0..<reading.count {
      totals.requests &+= reading.sum(series, TenantCell.requests.rawValue)
      totals.denials &+= reading.sum(series, TenantCell.denials.rawValue)
      totals.promptTokens &+= reading.sum(series, TenantCell.prompt.rawValue)
      totals.completionTokens &+= reading.sum(series, TenantCell.completion.rawValue)
      totals.costNanodollars &+= reading.sum(series, TenantCell.costNanodollars.rawValue)
    }
    return totals
  }

  /// Every model route that has had a request, in the order of their first requests.
  package var routes: [RouteTraffic] {
    let (keys, names) = state.withLock { ($0.index.routes.keys, $0.index.names) }
    let reading = reading(.routes)
    return keys.enumerated().map { series, pair in
      RouteTraffic(
        model: pair.first == .none ? nil : names[pair.first], modelRoute: names[pair.second],
        requests: reading.sum(series, RouteCell.requests.rawValue),
        errors: reading.sum(series, RouteCell.errors.rawValue),
        promptTokens: reading.sum(series, RouteCell.prompt.rawValue),
        completionTokens: reading.sum(series, RouteCell.completion.rawValue),
        duration: reading.histogram(series, .duration, first: RouteCell.durations),
        firstToken: reading.histogram(series, .firstToken, first: RouteCell.firstTokens))
    }
  }

  /// The sums of these tenants, in the same order; zeros for one that has had no request. A nil name
  /// stands for the requests whose caller was not identified.
  package func traffic(ofTenants tenants: [String?]) -> [TenantTraffic] {
    let series = state.withLock { state in
      tenants.map { name in
        let id = name.map { state.index.known($0) } ?? .some(NameID.none)
        return id.flatMap { state.index.tenants.number(of: $0) }
      }
    }
    let reading = reading(.tenants)
    return series.map { series in
      var traffic = TenantTraffic()
      guard let series else { return traffic }
      traffic.requests = reading.sum(series, TenantCell.requests.rawValue)
      traffic.denials = reading.sum(series, TenantCell.denials.rawValue)
      traffic.promptTokens = reading.sum(series, TenantCell.prompt.rawValue)
      traffic.completionTokens = reading.sum(series, TenantCell.completion.rawValue)
      traffic.costNanodollars = reading.sum(series, TenantCell.costNanodollars.rawValue)
      return traffic
    }
  }

  /// The latest refusals of all loops, newest first.
  package var refusals: [RefusalEvent] { RecentRefusals.merged(allCells.map(\.refusals)) }
}
