/// Whom a replica has seen alive, by complete lists.
struct Living {
  /// Of the last complete list, in the order of their ledgers.
  private var listed: [Holder] = []
  private var edition: Int64?
  private var seenMs: Int64 = .min / 2
  /// Who was in a list before, and when that was last.
  private var gone: [String: (holder: Holder, seenMs: Int64)] = [:]

  /// True where somebody is not in it who was in the one before.
  mutating func take(_ fleet: FleetView, leaseMs: Int64, bootMs: Int64) -> Bool {
    defer { seenMs = bootMs }
    gone = gone.filter { bootMs - $0.value.seenMs < leaseMs }
    guard fleet.edition != edition else { return false }
    edition = fleet.edition
    let now = fleet.replicas.map(\.holder)
    let ledgers = Set(now.map(\.ledger))
    let missing = listed.filter { !ledgers.contains($0.ledger) }
    if bootMs - seenMs < leaseMs {
      for holder in missing { gone[holder.ledger] = (holder, seenMs) }
    }
    for ledger in gone.keys where ledgers.contains(ledger) { gone[ledger] = nil }
    listed = now.sorted { $0.ledger < $1.ledger }
    return !missing.isEmpty
  }

  /// Who was in a list within the lease's time, in the order of their ledgers.
  func holders(leaseMs: Int64, bootMs: Int64) -> [Holder] {
    let current = bootMs - seenMs < leaseMs ? listed : []
    let others = gone.values.filter { bootMs - $0.seenMs < leaseMs }.map(\.holder)
    return others.isEmpty ? current : (current + others).sorted { $0.ledger < $1.ledger }
  }
}
