import StoreModel
import Terms

@testable import Quota

/// What is simulated.
struct FleetPlan {
  var replicas = 4
  var settings = SharingSettings(usesLeases: true, leaseMilliseconds: 3_000)
  var rules: [LimitRule] = []
  var lengthMs: Int64 = 20_000
  /// How often a replica has a request, in all of the fleet: a request each so many milliseconds.
  var everyMs: Double = 20
  var tokensMost: Int64 = 20
  var lastsMs: Int64 = 1_500
  var lastsLeastMs: Int64 = 1
  /// Requests come in heaps, and mostly to few replicas.
  var isSkewed = false
  /// Requests come in heaps of so many only, each for one replica.
  var heaps: ClosedRange<Int64>?
  /// Exchanges use all that they reserve.
  var usesAll = false
  /// Some exchanges use up to twice what they reserve.
  var owes = false
  /// What a token costs.
  var nanosEach: Int64 = 1_000
  /// Messages are late, lost and repeated.
  var isNetworkBad = false
  /// Replicas are paused, die and come back.
  var isFleetBad = false
  /// Replicas lose the store for a while.
  var isStoreFar = false
  /// Replicas come back with an empty directory or an old copy.
  var areLedgersBad = false
  /// A second process starts with a copy of a replica's ledger, while that is running.
  var hasTwins = false
  /// The store forgets everything or comes back old.
  var isStoreBad = false
  /// The store's clock is set forward or back by up to so much.
  var storeJumpsMs: Int64 = 0
  /// The same limits with other amounts.
  var nextRules: [LimitRule] = []
  /// Whether replicas go to the other amounts and back all the time; else once, one after the other.
  var areAmountsChanging = false
  var clocksDifferMs: Int64 = 0
  var startMs: Int64 = 1_799_000_000_000
  var subjects = 1
  /// How often a replica states that it lives.
  var presenceMs: Int64 = 1_000
  /// The rule of sharing that is left out.
  var broken: FleetBreak?

  /// 10 seconds before midnight, UTC.
  static let lateMs: Int64 = 1_799_020_790_000
}

/// A rule of sharing that is left out on purpose: the simulation must see that it is missing.
enum FleetBreak: CaseIterable {
  case budgetSlicesReturnByTime
  case noOpening
  case noNumbers
  case lateAnswersCount
  case refillsOverSlices
  case holdersByName
  case masterAgainIsTheSame

  /// Where it is one of the store's.
  var ofStore: StoreBreak? {
    switch self {
    case .budgetSlicesReturnByTime: .budgetSlicesReturnByTime
    case .noOpening: .noOpening
    case .noNumbers: .noNumbers
    case .refillsOverSlices: .refillsOverSlices
    case .lateAnswersCount, .holdersByName, .masterAgainIsTheSame: nil
    }
  }
}
