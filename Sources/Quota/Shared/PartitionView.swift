/// How far a partition's opening is: who has stated what it holds.
package struct OpeningClaims: Sendable, Equatable {
  /// Whether this replica has.
  package let isClaimed: Bool
  /// How many have, and of how many.
  package let claimed: Int64
  package let expected: Int64
  /// Since when, in Unix milliseconds of the store's clock.
  package let sinceMs: Int64

  package init(isClaimed: Bool, claimed: Int64, expected: Int64, sinceMs: Int64) {
    self.isClaimed = isClaimed
    self.claimed = claimed
    self.expected = expected
    self.sinceMs = sinceMs
  }
}

/// What a replica knows of one of the store's partitions.
struct PartitionView {
  enum State: Equatable {
    /// It has not been asked yet.
    case unknown
    case open
    /// It grants nothing until every replica has stated what it holds.
    case opening
    /// It does not answer.
    case lost
  }

  var state = State.unknown
  /// Whether it can be asked; of one that is lost, since it was reached again.
  var isReached = true
  /// The opening that it is in, or that it was opened by last; nil where that was not said.
  var openingMs: Int64?
  /// The opening in which this holder has stated all that it holds.
  var claimedMs: Int64?
  /// While it opens, who has stated, as it was told last.
  var claims: OpeningClaims?
  /// When it is asked even if nothing is due.
  var probeMs: Int64 = .max
  /// How many replicas lived when it was lost.
  var replicasAtLoss: Int64 = 0
  /// The places of its counters.
  var places: Set<Int> = []

  /// Whether requests are decided without the store.
  var isLost: Bool { state == .lost || state == .opening }
}
