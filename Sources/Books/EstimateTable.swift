import Inference

/// The estimators of tenants and models, up to a number; who was not used for longest makes room.
struct EstimateTable: Sendable {
  struct Key: Hashable, Sendable {
    var tenant: String
    var model: String
  }

  struct Entry: Sendable {
    let key: Key
    var estimator: TokenEstimator
    /// How many answers it has learned from since it is here.
    var answers = 0
    /// Whether something was learned that no checkpoint has saved.
    var isUnsaved = false
    /// The places of its neighbours in the order of use.
    fileprivate var older: Int?
    fileprivate var newer: Int?
  }

  private(set) var entries: [Entry] = []
  private var places: [Key: Int] = [:]
  private var oldest: Int?
  private var newest: Int?
  private let countMax: Int

  init(countMax: Int) { self.countMax = countMax }

  /// The estimator of a tenant and model; nil where none is known.
  func estimator(of key: Key) -> TokenEstimator? { places[key].map { entries[$0].estimator } }

  /// Changes the entry of a tenant and model, which becomes the one used last; a new one begins with
  /// `start`.
  mutating func use(
    _ key: Key, start: @autoclosure () -> TokenEstimator, _ change: (inout Entry) -> Void
  ) {
    let place = places[key] ?? add(Entry(key: key, estimator: start()))
    unlink(place)
    link(place)
    change(&entries[place])
  }

  /// A checkpoint has saved all of it.
  mutating func noteSaved() {
    for place in entries.indices { entries[place].isUnsaved = false }
  }

  /// Forgets all others; the order of use stays.
  mutating func keep(only isKept: (Key) -> Bool) {
    var kept = EstimateTable(countMax: countMax)
    var next = oldest
    while let place = next {
      next = entries[place].newer
      guard isKept(entries[place].key) else { continue }
      kept.link(kept.add(entries[place]))
    }
    self = kept
  }

  /// Puts an entry where there is room, outside of the order of use.
  private mutating func add(_ entry: Entry) -> Int {
    var entry = entry
    (entry.older, entry.newer) = (nil, nil)
    guard entries.count >= countMax, let place = oldest else {
      entries.append(entry)
      places[entry.key] = entries.count - 1
      return entries.count - 1
    }
    unlink(place)
    places[entries[place].key] = nil
    entries[place] = entry
    places[entry.key] = place
    return place
  }

  private mutating func link(_ place: Int) {
    (entries[place].older, entries[place].newer) = (newest, nil)
    if let newest { entries[newest].newer = place }
    newest = place
    if oldest == nil { oldest = place }
  }

  /// Takes an entry out of the order of use; nothing happens to one that is not in it.
  private mutating func unlink(_ place: Int) {
    let (older, newer) = (entries[place].older, entries[place].newer)
    if let older { entries[older].newer = newer } else if oldest == place { oldest = newer }
    if let newer { entries[newer].older = older } else if newest == place { newest = older }
    (entries[place].older, entries[place].newer) = (nil, nil)
  }
}
