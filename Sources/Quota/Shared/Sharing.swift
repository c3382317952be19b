/// All that a table knows of the store that its limits are shared through.
struct Sharing {
  /// What a request waits for.
  struct Ask {
    enum State: Equatable {
      case waits
      /// What it needs is kept for it.
      case ready
      case refused(Shortage)
      /// The store did not say.
      case unknown
    }

    struct Entry {
      let place: Int
      let generation: UInt64
      let need: Int64
      var state: State
    }

    var entries: [Entry]
    let sinceMs: Int64

    /// The limit that refused it.
    var refusal: (place: Int, shortage: Shortage)? {
      for entry in entries {
        if case .refused(let shortage) = entry.state { return (entry.place, shortage) }
      }
      return nil
    }

    /// Whether it can be tried again.
    var isOver: Bool {
      var isReady = true
      for entry in entries {
        switch entry.state {
        case .waits: isReady = false
        case .refused, .unknown: return true
        case .ready: break
        }
      }
      return isReady
    }
  }

  /// A call that is not answered.
  struct Call {
    let call: StatementCall
    let sentMs: Int64
    /// The counters of its statements, in their order.
    let counters: [(place: Int, generation: UInt64)]
    /// Whether its statements alone are all that this holder has in the partition.
    let isWholeAlone: Bool
  }

  let settings: SharingSettings
  let holder: Holder
  /// One for each counter, at the same place.
  var parts: [SharedPart?] = []
  var partitions = [PartitionView](repeating: PartitionView(), count: SharedKey.partitions)
  var asks: [UInt64: Ask] = [:]
  var calls: [UInt64: Call] = [:]
  var queue = DueQueue()
  /// How far the ledger's time is ahead of the boot clock.
  var nowAheadMs: Int64
  /// How far the store's time is ahead of the boot clock, as it was told; nil where it was not.
  var storeAheadMs: Int64?
  /// How many replicas live; 0 where that is not known.
  var replicas: Int64 = 0
  /// Which list of those who live was told last: when it began; 0 for none.
  var listMs: Int64 = 0
  var living = Living()
  /// When a partition is asked next for no other reason than to see whether the store lost it, and
  /// which was asked last.
  var checkMs: Int64 = .min
  var checkedPartition = 0
  /// When a loss was noticed last.
  var suspectedMs: Int64 = .min / 2
  var fencedBy: Int64?
  /// Whether everything unspent is given back, and nothing more is leased.
  var isDraining = false
  var oldCopies: [OldLedgerCopy] = []
  /// Whether the ledger knew a store before this start.
  let knewStore: Bool
  /// When a replica was last found to be silent for the lease's time; at first, when sharing began:
  /// what became of others before is not known.
  var departedMs: Int64
  var asksSweptMs: Int64 = .min / 2
  var counts = SharedCounts()
  private var askNumber: UInt64 = 0
  private var callNumber: UInt64 = 0
  private var statementNumber: Int64 = 0

  init(
    _ settings: SharingSettings, as holder: Holder, nowAheadMs: Int64, knewStore: Bool,
    bootMs: Int64
  ) {
    self.knewStore = knewStore
    departedMs = bootMs
    self.settings = settings
    self.holder = holder
    self.nowAheadMs = nowAheadMs
  }

  /// Losses that are noticed within this time are one.
  static let suspicionMilliseconds: Int64 = 1_000
  /// The most requests that wait; more are refused as while the store is lost.
  static let asksMax = 8_192
  /// What nobody has tried again for so long is withdrawn.
  static let askMilliseconds: Int64 = 60_000

  mutating func nextAsk() -> UInt64 {
    askNumber += 1
    return askNumber
  }

  mutating func nextCall() -> UInt64 {
    callNumber += 1
    return callNumber
  }

  mutating func nextStatement() -> Int64 {
    statementNumber += 1
    return statementNumber
  }

  /// Kept until it is told, and not without bound.
  mutating func note(_ copy: OldLedgerCopy) {
    if oldCopies.count < 1_000 { oldCopies.append(copy) }
  }

  var usesLeases: Bool { settings.usesLeases && !isDraining }
}

/// What has been asked and spared, since the start.
package struct SharedCounts: Sendable, Equatable {
  /// Admissions that a slice was enough for, or that the store was not asked for.
  package var withoutAsking: Int64 = 0
  /// Requests that waited for the store.
  package var asked: Int64 = 0
  /// Requests that were refused by a word of the store's that was at hand.
  package var refusedByWord: Int64 = 0
  package var calls: Int64 = 0
  package var statements: Int64 = 0
  package var unanswered: Int64 = 0
}
