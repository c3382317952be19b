import Quota

/// The bounds that the store's scripts keep to, as the model knows them.
package enum StoreLimits {
  /// Numbers are below this: Lua's are doubles, which hold whole numbers exactly up to here.
  package static let numberMax: Int64 = 1 << 53 - 1
  /// How long a counter marks that it was short.
  package static let shortMs: Int64 = 1_000
  /// A short counter looks for silent holders at most this often.
  package static let sweepMs: Int64 = 1_000
  /// How long what nobody states of is kept at least, so that late statements are still told apart.
  package static let keepMs: Int64 = 60_000
  /// How long a bucket remembers a holder that is silent: longer than an answer is streamed, so that
  /// what it used beyond its reservation is still measured from the right mark.
  package static let bucketHolderMs: Int64 = 3_600_000
  /// How long a partition's marker is kept after the last day on which it was used.
  package static let markerMs: Int64 = 40 * 86_400_000
  /// The marker's expiry is renewed at most this often.
  package static let markerRenewalMs: Int64 = 86_400_000
  /// A bucket is refilled for this much time at once at most.
  package static let refillMs: Int64 = 2_000_000_000
  /// The longest period of a bucket.
  package static let periodMs: Int64 = 3_600_000
  /// The longest expiry of a bucket, and the longest wait that is told.
  package static let longestMs: Int64 = 40 * 86_400_000
  /// The most replicas that the list of the living holds.
  package static let replicasMax = 10_000
  /// Of how many one answer tells, and all answers of a second together.
  package static let toldMax = 1_000
  package static let toldByAllMax = 200_000
  /// How many are forgotten at once.
  package static let forgottenMax = 100
}

/// A call that the scripts answer with an error: nothing of it was taken in.
package enum InvalidCall: Error, Equatable {
  case badNumber
  case tooMany
  case twice
  case otherPartition
  case otherKind
  case sumTooLarge
}
