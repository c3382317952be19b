/// What a replica is told about who lives: what has changed since it was told last.
package struct FleetChanges: Sendable, Equatable {
  package enum Change: Sendable, Equatable {
    case lives(FleetView.Replica)
    case gone(ledger: String)
  }

  /// Up to which change this tells.
  package let told: FleetMirror.Told
  /// The number of the last change of all: where it is more, the rest comes with the next answers.
  package let version: Int64
  /// Whether these are changes to an empty list: what was told before counts no more.
  package let isAnew: Bool
  /// Whether the store has kept the list for the lease's time at least.
  package let isOld: Bool
  /// How many live.
  package let count: Int64
  package let changes: [Change]

  package init(
    told: FleetMirror.Told, version: Int64, isAnew: Bool, isOld: Bool, count: Int64,
    changes: [Change]
  ) {
    self.told = told
    self.version = version
    self.isAnew = isAnew
    self.isOld = isOld
    self.count = count
    self.changes = changes
  }
}

/// The list of who lives as it has been told so far.
package struct FleetMirror: Sendable, Equatable {
  /// How far it has been told.
  package struct Told: Sendable, Equatable {
    /// Which list: when it began, by the store's clock; 0 for none.
    package let listMs: Int64
    /// The number of the last change that was told.
    package let version: Int64

    package init(listMs: Int64, version: Int64) {
      self.listMs = listMs
      self.version = version
    }
  }

  /// The most replicas that are remembered.
  package static let replicasMax = 10_000

  package private(set) var told = Told(listMs: 0, version: 0)
  private var replicas: [String: FleetView.Replica] = [:]
  private var view = FleetView(replicas: [])

  package init() {}

  /// Takes in an answer; returns who lives by all that was told.
  package mutating func take(_ answer: FleetChanges) -> FleetView {
    if answer.isAnew { replicas = [:] }
    for change in answer.changes {
      switch change {
      case .lives(let replica):
        guard replicas.count < Self.replicasMax || replicas[replica.holder.ledger] != nil else {
          continue
        }
        replicas[replica.holder.ledger] = replica
      case .gone(let ledger): replicas[ledger] = nil
      }
    }
    let isChanged = answer.isAnew || !answer.changes.isEmpty
    if isChanged {
      view.replicas = replicas.values.sorted { $0.holder.ledger < $1.holder.ledger }
      view.edition += 1
    }
    told = answer.told
    view.listMs = answer.told.listMs
    view.count = answer.count
    view.isComplete = answer.isOld && answer.told.version == answer.version
    return view
  }
}

extension Holder {
  /// The most replicas that one names to a partition that opens.
  package static let namedMax = 64

  /// Whom this one names to a partition that opens, of those that it has seen alive, which are sorted:
  /// all, where they are few; else those that follow it in the order of their ledgers. As each that
  /// is named states, and names those that follow it, together they name everybody, and what one
  /// says does not grow with their number.
  package func named(of living: [Holder]) -> [Holder] {
    guard living.count > Self.namedMax else { return living }
    var (low, high) = (0, living.count)
    while low < high {
      let middle = (low + high) / 2
      if living[middle].ledger <= ledger { low = middle + 1 } else { high = middle }
    }
    return (0..<Self.namedMax).map { living[(low + $0) % living.count] }
  }
}
