import Quota

/// The list of replicas.
package struct PresenceModel: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package var start: Int64
    package var nonce: UInt32
    package var heardMs: Int64
    /// Since when it lives.
    package var sinceMs: Int64
    package var name: String
    package var revision: String
    /// The number of its last change.
    package var changed: Int64
  }

  package internal(set) var sinceMs: Int64?
  package internal(set) var version: Int64 = 0
  /// The largest number of a change of those that are forgotten.
  package internal(set) var floor: Int64 = 0
  /// Who was heard then or before does not live.
  package internal(set) var silentMs: Int64 = 0
  package internal(set) var entries: [String: Entry] = [:]
  package internal(set) var expiresMs: Int64 = 0

  package init() {}

  /// Nil where there are too many: every place is taken by a replica that lives.
  mutating func state(
    _ holder: Holder, nonce: UInt32, name: String, revision: String, isStarting: Bool,
    leaseMs: Int64, nowMs: Int64, told: FleetMirror.Told
  ) -> PresenceAnswer? {
    var next = sinceMs != nil && expiresMs <= nowMs ? PresenceModel() : self
    let before = next.silentMs > nowMs ? 0 : next.silentMs
    next.silentMs = max(before, nowMs - leaseMs, 0)
    let own = next.entries[holder.ledger]
    var start = holder.start
    var removed: [String] = []
    if let own {
      if own.nonce == nonce {
        start = max(start, own.start)
      } else if own.start >= start {
        guard isStarting, nowMs - own.heardMs >= leaseMs else { return .fenced(start: own.start) }
        start = own.start + 1
      }
    } else if next.entries.count >= StoreLimits.replicasMax {
      guard let oldest = next.byTime().first, nowMs - oldest.value.heardMs >= leaseMs else {
        return nil
      }
      removed = [oldest.key]
    }
    removed += next.byTime().prefix { nowMs - $0.value.heardMs >= StoreLimits.markerMs }
      .prefix(StoreLimits.forgottenMax).map(\.key)
      .filter { $0 != holder.ledger && !removed.contains($0) }
    let gone = next.byTime().filter {
      $0.value.heardMs > before && $0.value.heardMs <= next.silentMs && $0.key != holder.ledger
    }.map(\.key)
    for id in removed {
      if next.entries[id]!.heardMs > before {
        next.version += 1
        next.floor = next.version
      } else {
        next.floor = max(next.floor, next.entries[id]!.changed)
      }
      next.entries[id] = nil
    }
    for id in gone where next.entries[id] != nil {
      next.version += 1
      next.entries[id]!.changed = next.version
    }
    let since = next.sinceMs ?? nowMs
    next.sinceMs = since
    next.heard(holder, own, start, nonce, name, revision, nowMs)
    next.expiresMs = nowMs + StoreLimits.markerMs
    self = next
    if start != holder.start { return .renumbered(start: start) }
    return .alive(changes(since: told, isComplete: nowMs - since >= leaseMs))
  }

  private func byTime() -> [(key: String, value: Entry)] {
    entries.sorted { ($0.value.heardMs, $0.key) < ($1.value.heardMs, $1.key) }
  }

  private mutating func heard(
    _ holder: Holder, _ own: Entry?, _ start: Int64, _ nonce: UInt32, _ name: String,
    _ revision: String, _ nowMs: Int64
  ) {
    let isBack = own.map { $0.heardMs <= silentMs || $0.start != start } ?? true
    var entry =
      own
      ?? Entry(
        start: start, nonce: nonce, heardMs: nowMs, sinceMs: nowMs, name: name, revision: revision,
        changed: 0)
    if isBack || entry.name != name || entry.revision != revision {
      version += 1
      entry.changed = version
    }
    if isBack { entry.sinceMs = nowMs }
    (entry.start, entry.nonce, entry.heardMs) = (start, nonce, nowMs)
    (entry.name, entry.revision) = (name, revision)
    entries[holder.ledger] = entry
  }

  private func changes(since told: FleetMirror.Told, isComplete: Bool) -> FleetChanges {
    let isAnew =
      told.listMs != sinceMs || told.version < floor || told.version > version
    let from = isAnew ? 0 : told.version
    let alive = entries.values.count { $0.heardMs > silentMs }
    let most = max(1, min(StoreLimits.toldMax, StoreLimits.toldByAllMax / alive))
    let found = entries.filter { $0.value.changed > from }
      .sorted { $0.value.changed < $1.value.changed }.prefix(most)
    return FleetChanges(
      told: .init(
        listMs: sinceMs ?? 0, version: found.count < most ? version : found.last!.value.changed),
      version: version, isAnew: isAnew, isOld: isComplete, count: Int64(alive),
      changes: found.map { id, entry in
        guard entry.heardMs > silentMs else { return .gone(ledger: id) }
        return .lives(
          .init(
            holder: Holder(ledger: id, start: entry.start), name: entry.name,
            revision: entry.revision, sinceMs: entry.sinceMs))
      })
  }
}
