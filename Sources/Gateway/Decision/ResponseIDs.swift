import Bytes

/// Which tenant was given which response id here. Each tenant's own oldest id goes first, so that no
/// tenant can make another's be forgotten; only above the bound of all together those of the tenant that
/// has most.
///
/// Any thread: the loops ask and remember, under a lock of its own that is held for a few lines; one
/// thread writes what is new into files (`Server`).
package final class ResponseIDs: Sendable {
  /// How many ids are kept.
  package struct Bounds: Sendable {
    /// Of each tenant.
    package var perTenantMax = 100_000
    /// Of all tenants together: about 100 bytes of memory each.
    package var allMax = 1_000_000
    /// How many wait to be written; when more come, all that is known is written anew.
    package var unwrittenMax = 65_536

    package init() {}
  }

  /// Whose an id is.
  enum Owner: Equatable {
    /// The tenant's that asks.
    case own(KnownResponse)
    /// Only another's.
    case others
    /// Nobody's that is known.
    case nobody
  }

  private struct State {
    var byTenant: [String: TenantResponseIDs] = [:]
    var count = 0
    /// Nil where more came than may wait.
    var unwritten: [KnownResponse]? = []
    var wake: (@Sendable () -> Void)?
  }

  private let state = Locked(State())
  private let bounds: Bounds

  package init(_ bounds: Bounds = Bounds()) { self.bounds = bounds }

  // MARK: The loops

  /// Remembers ids that an answer gave a tenant. Ids that are known get the route and, where it is not 0,
  /// the number of tokens.
  func remember(_ ids: some Sequence<ResponseID>, tenant: String, route: String, tokens: Int64) {
    let wake = state.withLock { state -> (@Sendable () -> Void)? in
      let wasEmpty = state.unwritten?.isEmpty ?? false
      for id in ids {
        let known = KnownResponse(id: id, tenant: tenant, route: route, tokens: tokens)
        guard keep(known, &state) else { continue }
        if let count = state.unwritten?.count {
          if count < bounds.unwrittenMax {
            state.unwritten!.append(known)
          } else {
            state.unwritten = nil
          }
        }
      }
      return wasEmpty && state.unwritten?.isEmpty != true ? state.wake : nil
    }
    wake?()
  }

  /// Whose an id is, for a tenant that asks.
  func owner(of id: ResponseID, for tenant: String) -> Owner {
    state.withLock { state in
      if let known = state.byTenant[tenant]?.known(id, tenant) { return .own(known) }
      return state.byTenant.values.contains { $0.has(id) } ? .others : .nobody
    }
  }

  // MARK: The thread that writes

  /// Takes what a file says; what comes later is newer.
  package func restore(_ known: KnownResponse) {
    state.withLock { state in _ = keep(known, &state) }
  }

  /// Calls `wake` whenever there is something to be written after there was nothing. It is called on a
  /// loop's thread and must be short.
  package func onUnwritten(_ wake: @escaping @Sendable () -> Void) {
    state.withLock { $0.wake = wake }
  }

  /// What is not written yet, to be written now; nil where that is more than may wait, and all that is
  /// known has to be written.
  package func takeUnwritten() -> [KnownResponse]? {
    state.withLock { state in
      defer { state.unwritten = [] }
      return state.unwritten
    }
  }

  /// Calls `body` with all that is known, a tenant at a time and without the lock, the oldest first.
  package func forEachKnown<Failure: Error>(
    _ body: ([KnownResponse]) throws(Failure) -> Void
  ) throws(Failure) {
    let tenants = state.withLock { Array($0.byTenant.keys) }
    for tenant in tenants {
      // Copied without its elements: they are copied only if they change meanwhile.
      guard let ids = state.withLock({ $0.byTenant[tenant] }) else { continue }
      try body(ids.all(tenant))
    }
  }

  /// How many are known.
  package var count: Int { state.withLock { $0.count } }

  // MARK: Keeping

  /// Whether something changed.
  private func keep(_ known: KnownResponse, _ state: inout State) -> Bool {
    switch state.byTenant[known.tenant, default: TenantResponseIDs()].keep(known) {
    case .unchanged: return false
    case .changed: return true
    case .added: break
    }
    state.count += 1
    if state.byTenant[known.tenant]!.count > bounds.perTenantMax {
      state.byTenant[known.tenant]!.forgetOldest()
      state.count -= 1
    } else if state.count > bounds.allMax,
      let most = state.byTenant.max(by: { $0.value.count < $1.value.count })?.key
    {
      state.byTenant[most]!.forgetOldest()
      state.count -= 1
    }
    return true
  }
}

/// The ids of one tenant, in the order in which it was given them.
private struct TenantResponseIDs: Sendable {
  enum Change { case unchanged, changed, added }

  private struct Value: Equatable {
    var route: Int32
    var tokens: Int64
  }

  private var values: [ResponseID: Value] = [:]
  /// The ids from `first` on, the oldest first.
  private var order: [ResponseID] = []
  private var first = 0
  /// The routes' names: few, so each is kept once.
  private var routes: [String] = []

  var count: Int { values.count }

  func has(_ id: ResponseID) -> Bool { values[id] != nil }

  func known(_ id: ResponseID, _ tenant: String) -> KnownResponse? {
    values[id].map {
      KnownResponse(id: id, tenant: tenant, route: routes[Int($0.route)], tokens: $0.tokens)
    }
  }

  func all(_ tenant: String) -> [KnownResponse] {
    order[first...].compactMap { known($0, tenant) }
  }

  mutating func keep(_ known: KnownResponse) -> Change {
    let route = place(of: known.route)
    guard let old = values[known.id] else {
      values[known.id] = Value(route: route, tokens: known.tokens)
      order.append(known.id)
      return .added
    }
    let value = Value(route: route, tokens: known.tokens > 0 ? known.tokens : old.tokens)
    values[known.id] = value
    return value == old ? .unchanged : .changed
  }

  mutating func forgetOldest() {
    guard first < order.count else { return }
    values[order[first]] = nil
    first += 1
    // Moved up only when that is half of all, so that each id is moved once.
    if first > 1024, first * 2 > order.count {
      order.removeFirst(first)
      first = 0
    }
  }

  private mutating func place(of route: String) -> Int32 {
    if let place = routes.firstIndex(of: route) { return Int32(place) }
    routes.append(route)
    return Int32(routes.count - 1)
  }
}
