/// When a partition that opens is asked again whether it is open.
///
/// Whoever states last opens it, and all others have to ask. In a small fleet each asks after a tenth of
/// a second; the larger the fleet, the longer each waits, so that all replicas together do not ask more
/// than the store can answer. What times have in common is broken up by chance, or a thousand replicas
/// that lost the same server would ask in the same millisecond.
struct OpeningPace {
  /// The shortest wait, of a fleet that is not large.
  static let firstMs: Int64 = 100
  /// The most times a second that all replicas together ask while every partition opens.
  static let callsPerSecond: Int64 = 20_000

  private var random: UInt64

  /// `ledger`: of this replica. Its digits are random, so that no two replicas have the same waits.
  init(ledger: String) {
    random = ledger.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// The milliseconds to the next question. `ageMs`: how long the opening has lasted by the store's
  /// clock. After `leaseMs` the first that asks opens it, so that nobody waits past that for longer than
  /// for one question.
  mutating func wait(ageMs: Int64, leaseMs: Int64, replicas: Int64) -> Int64 {
    let all = min(replicas, Int64(FleetMirror.replicasMax)) * Int64(SharedKey.partitions)
    let first = max(Self.firstMs, all * 1_000 / Self.callsPerSecond)
    let wait = first - chance(first / 2)
    let left = leaseMs.minusSaturating(ageMs)
    return left > 0 && left < wait ? min(wait, left + chance(first)) : wait
  }

  /// From 0 to `most`, by the generator SplitMix64.
  private mutating func chance(_ most: Int64) -> Int64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var mixed = random
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    mixed ^= mixed >> 31
    return Int64(mixed % (UInt64(max(0, most)) + 1))
  }
}
