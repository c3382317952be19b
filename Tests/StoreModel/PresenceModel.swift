import Quota

/// The list of replicas.
package struct PresenceModel: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package var start: Int64
    package var nonce: UInt32
    package var heardMs: Int64
    package var name: String
    package var revision: String
  }

  package internal(set) var sinceMs: Int64?
  package internal(set) var entries: [String: Entry] = [:]
  package internal(set) var expiresMs: Int64 = 0

  package init() {}

  /// Nil where there are too many: every place is taken by a replica that lives.
  mutating func state(
    _ holder: Holder, nonce: UInt32, name: String, revision: String, isStarting: Bool,
    leaseMs: Int64, nowMs: Int64
  ) -> PresenceAnswer? {
    if sinceMs != nil && expiresMs <= nowMs { self = PresenceModel() }
    var start = holder.start
    if let entry = entries[holder.ledger] {
      if entry.nonce == nonce {
        start = max(start, entry.start)
      } else if entry.start >= start {
        guard isStarting, nowMs - entry.heardMs >= leaseMs else {
          return .fenced(start: entry.start)
        }
        start = entry.start + 1
      }
    } else if entries.count >= StoreLimits.replicasMax {
      guard
        let oldest = entries.min(by: { ($0.value.heardMs, $0.key) < ($1.value.heardMs, $1.key) }),
        nowMs - oldest.value.heardMs >= leaseMs
      else { return nil }
      entries[oldest.key] = nil
    }
    let since = sinceMs ?? nowMs
    sinceMs = since
    entries[holder.ledger] = Entry(
      start: start, nonce: nonce, heardMs: nowMs, name: name, revision: revision)
    entries = entries.filter { nowMs - $0.value.heardMs < StoreLimits.markerMs }
    expiresMs = nowMs + StoreLimits.markerMs
    if start != holder.start { return .renumbered(start: start) }
    let alive = entries.filter { nowMs - $0.value.heardMs < leaseMs }
    return .alive(
      FleetView(
        replicas: alive.sorted { $0.key < $1.key }.map {
          .init(
            holder: Holder(ledger: $0.key, start: $0.value.start), name: $0.value.name,
            revision: $0.value.revision, heardMs: $0.value.heardMs)
        }, isComplete: nowMs - since >= leaseMs))
  }
}
