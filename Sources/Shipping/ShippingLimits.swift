/// The limits of shipping. Those of a batch and of an attempt are defaults, which a target's
/// options change.
package enum ShippingLimits {
  /// The most records of a batch.
  package static let batchRecordsMax = 512
  /// The most bytes of a batch's lines. A longer record is a batch of its own.
  package static let batchBytesMax = 1 << 20
  /// A batch that a receiver refuses because of its size is halved, but not below this: a batch of
  /// this size must be refused for another reason.
  package static let shrunkBytesMin = 64 << 10
  /// The largest message that gRPC servers accept by default.
  package static let usualMessageBytesMax = 4 << 20
  /// How long a record waits for others to be shipped with it.
  package static let batchAgeMax = Duration.seconds(1)
  /// How long connecting may take, how long an export may wait for its answer, and how long written
  /// lines may wait without any of them being taken.
  package static let attemptTimeout = Duration.seconds(10)
  /// How long one of a name's addresses may take to connect while others are left to try.
  package static let addressTimeout = Duration.seconds(2)
  /// How many of a name's addresses one attempt tries.
  package static let addressesMax = 16
  /// How often a connection is read before other work has its turn: a receiver that sends without
  /// end must not delay batches, timeouts and the end of the process.
  package static let readsPerTurnMax = 16
  /// The wait after the first failure.
  package static let backoffFirst = Duration.milliseconds(250)
  /// The longest wait after a failure.
  package static let backoffMax = Duration.seconds(30)
  /// The longest wait that a receiver can ask for with RetryInfo.
  package static let throttleMax = Duration.seconds(300)
  /// How long after an acknowledgement the cursor is written. What was acknowledged meanwhile is
  /// shipped again after a crash.
  package static let cursorDelay = Duration.seconds(1)
  /// How long shipping may go on when the process ends.
  package static let lastAttempt = Duration.seconds(5)
  /// How many records in a row a target may refuse, each by itself: a receiver that refuses more is
  /// broken, and is waited for.
  package static let setAsideInARowMax = 10
  /// The most bytes of a target's file of records that were set aside; then the target is held.
  package static let setAsideBytesMax = 4 << 20
  /// The longest line that is kept there; of a longer one only the number is.
  package static let setAsideLineBytesMax = 256 << 10
  /// How many attempts in a row may fail when records are shipped again by hand.
  package static let attemptsByHandMax = 6
  /// How many `--ship` targets there may be.
  package static let targetsMax = 16
  /// How much of a receiver's own words is kept for the log.
  package static let receiverTextBytesMax = 200
  /// The largest answer: its gRPC message, or the details of a failed call.
  package static let answerBytesMax = 64 << 10
}
