/// Shipping's bounds. Those of a batch and an attempt are defaults that a target's options change.
package enum ShippingLimits {
  /// Records of a batch.
  package static let batchRecordsMax = 512
  /// Bytes of a batch's lines; a single longer record is a batch of its own.
  package static let batchBytesMax = 1 << 20
  /// A batch that a receiver finds too large is halved, but not below this: what is refused then is
  /// refused for another reason.
  package static let shrunkBytesMin = 64 << 10
  /// What gRPC servers take in a message unless they are told otherwise.
  package static let usualMessageBytesMax = 4 << 20
  /// How long a record waits for others to be shipped with it.
  package static let batchAgeMax = Duration.seconds(1)
  /// How long a connection may take to come about, an export to be answered, and written lines to be
  /// taken while none are.
  package static let attemptTimeout = Duration.seconds(10)
  /// How long one of a name's addresses may take to connect while others are left to try.
  package static let addressTimeout = Duration.seconds(2)
  /// A name's addresses that one attempt tries.
  package static let addressesMax = 16
  /// How often a connection is read before other work has its turn: a receiver that talks without
  /// end must not keep batches, time-outs and the process's end waiting.
  package static let readsPerTurnMax = 16
  /// The first wait after a failure, and the longest.
  package static let backoffFirst = Duration.milliseconds(250)
  package static let backoffMax = Duration.seconds(30)
  /// The longest wait that a receiver can ask for with RetryInfo.
  package static let throttleMax = Duration.seconds(300)
  /// How long a cursor may lag behind what is acknowledged: what a crash ships again.
  package static let cursorDelay = Duration.seconds(1)
  /// How long shipping may go on when the process ends.
  package static let lastAttempt = Duration.seconds(5)
  /// `--ship` targets.
  package static let targetsMax = 16
  /// What is kept of a receiver's own words for the log.
  package static let receiverTextBytesMax = 200
  /// An answer's gRPC message, and the details of a failed one.
  package static let answerBytesMax = 64 << 10
}
