import Quota
import Terms

/// How it stands with the store in which replicas share their limits, as this replica knows it: for
/// `/metrics`, `/api/v1/status`, the page and `/readyz`. Nil where there is no store.
///
/// The store's thread fills it in from the books and from its connections.
package struct StoreStatus: Sendable, Equatable {
  /// How a partition is, seen from here. Raw values are the label `state`.
  package enum State: String, Sendable, CaseIterable {
    /// Nothing has been asked of it yet, or not answered.
    case unknown
    case open
    /// It grants nothing until every replica has stated what it holds there.
    case opening
    case lost
  }

  /// One of the partitions that this replica has counters in.
  package struct Partition: Sendable, Equatable {
    /// From 0, below `SharedKey.partitions`.
    package var number: Int
    package var state: State
    /// Since when, in Unix milliseconds.
    package var sinceMs: Int64
    /// While it opens.
    package var opening: OpeningClaims?
    /// What this replica has leased of it and not spent.
    package var leased: StoreAmounts

    package init(
      number: Int, state: State, sinceMs: Int64, opening: OpeningClaims? = nil,
      leased: StoreAmounts = StoreAmounts()
    ) {
      self.number = number
      self.state = state
      self.sinceMs = sinceMs
      self.opening = opening
      self.leased = leased
    }
  }

  /// `--store`, which holds no credentials.
  package var address: String
  /// `--replica`.
  package var replica: String
  /// Who states: this ledger and the number of its start.
  package var holder: Holder
  /// Whether the process must not be ready yet: from its start until the store has answered and the
  /// partitions are open, for 60 seconds at most where the store cannot be reached, and as long as
  /// there is a `refusal`.
  package var holdsReadiness: Bool
  /// The higher start number of this ledger, where another process took this one's place: then
  /// everything shared is refused.
  package var fencedBy: Int64?
  /// The replicas that are alive, this one among them, as the store said last; nil before it did.
  package var fleet: FleetView?
  /// In the order of their numbers.
  package var partitions: [Partition]
  /// The latest of what happened, the latest first; at most `notesMax`.
  package var notes: [StoreNote]
  /// What the store's master must be told, in words: it evicts, it goes on when it is alone. Empty
  /// where it is well.
  package var warnings: [String]
  /// Why the store refuses this process, which no waiting mends, without what may be secret: its
  /// credentials, or how the store is set up. Nil where it does not, as far as is known.
  package var refusal: String?
  /// Of `leased`, some of the counters, with their slices.
  package var leasedCounters: [LeasedCounter] = []
  /// The last failure in words, without what may be secret; nil where there was none, or where the
  /// store has answered since.
  package var problem: String?

  /// Requests that wait for the store now.
  package var waiting: Int64
  // Since the start:
  /// Calls with statements that were sent, and the statements in them.
  package var calls: Int64
  package var statements: Int64
  /// Requests that were decided out of slices at hand: each is a round trip saved.
  package var fromSlices: Int64
  /// Requests that waited for the store.
  package var asked: Int64
  /// Requests that were refused by a word of the store's that was at hand.
  package var refusedByWord: Int64
  /// Calls that were not answered in time, or whose connection was lost.
  package var unanswered: Int64
  /// Connections that were made again after one was lost.
  package var reconnects: Int64
  /// Failures by the first word of the store's error (`READONLY`), or `other`. Only words of a fixed
  /// list: a store must not make series.
  package var failures: [String: Int64]

  /// The most notes that are kept.
  package static let notesMax = 32

  /// Nothing has been asked yet.
  package init(address: String, replica: String, holder: Holder) {
    self.address = address
    self.replica = replica
    self.holder = holder
    holdsReadiness = true
    partitions = []
    notes = []
    warnings = []
    (waiting, calls, statements, fromSlices, asked) = (0, 0, 0, 0, 0)
    (refusedByWord, unanswered, reconnects) = (0, 0, 0)
    failures = [:]
  }

  /// The most words of `failures` that are told apart where they are shown.
  package static let wordsMax = 32

  /// The failures by word, in order of the words; beyond `wordsMax` they count as `other`.
  package var boundedFailures: [(word: String, count: Int64)] {
    let sorted = failures.sorted { $0.key < $1.key }
    var bounded = sorted.prefix(Self.wordsMax).map { (word: $0.key, count: $0.value) }
    let rest = sorted.dropFirst(Self.wordsMax).reduce(Int64(0)) { $0 &+ $1.value }
    guard rest > 0 else { return bounded }
    if let place = bounded.firstIndex(where: { $0.word == "other" }) {
      bounded[place].count &+= rest
    } else {
      bounded.append((word: "other", count: rest))
    }
    return bounded
  }

  /// The revisions of the policy that the living replicas work by.
  package var revisions: Set<String> { Set(fleet?.replicas.map(\.revision) ?? []) }

  /// How many partitions are in a state.
  package func count(_ state: State) -> Int {
    partitions.reduce(0) { $0 + ($1.state == state ? 1 : 0) }
  }

  /// What is leased and not spent in the partitions of a state.
  package func leased(_ state: State) -> StoreAmounts {
    partitions.reduce(into: StoreAmounts()) { if $1.state == state { $0.add($1.leased) } }
  }

  /// Adds a note; the oldest goes where there are too many.
  package mutating func add(_ note: StoreNote) {
    notes.insert(note, at: 0)
    if notes.count > Self.notesMax { notes.removeLast(notes.count - Self.notesMax) }
  }
}
