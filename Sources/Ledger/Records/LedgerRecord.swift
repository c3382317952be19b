/// One record of the ledger: its number, its time, and its content. No type of content has a field
/// that could hold a prompt, an answer or a credential.
package struct LedgerRecord: Equatable, Sendable {
  /// The content, by the record's `type`.
  package enum Body: Equatable, Sendable {
    case admission(Reference<Admission>)
    case completion(Reference<Completion>)
    case denials(Denials)
    /// The process started.
    case start(ProcessEvent)
    /// The process loaded another policy.
    case reload(ProcessEvent)
    indirect case checkpoint(Checkpoint)
    case clock(ClockJump)
    case repair(Repair)
    /// The process stopped in order.
    case stop(ProcessEvent)
    /// What became of the store that limits are shared through.
    case store(StoreEvent)
    /// The use of a budget has come to a share of it.
    indirect case threshold(Threshold)
    case drop(Drop)
    /// The ledger was restored from records that were shipped.
    case restore(Restore)
    /// A key was revoked, or a revocation was undone.
    case revoke(Revocation)

    package static func admission(_ record: Admission) -> Body { .admission(Reference(record)) }
    package static func completion(_ record: Completion) -> Body { .completion(Reference(record)) }
  }

  /// The record's number: counts by one from 1, across segments.
  package var seq: Int64
  /// The ledger's time in Unix milliseconds.
  package var timeMs: Int64
  /// Whether it was written again after its first write failed. The segment's checkpoint includes
  /// it.
  package var isCarried: Bool
  /// The content.
  package var body: Body

  package init(seq: Int64, timeMs: Int64, isCarried: Bool = false, body: Body) {
    self.seq = seq
    self.timeMs = timeMs
    self.isCarried = isCarried
    self.body = body
  }

  /// The value of `type`.
  package var type: String {
    switch body {
    case .admission: "admission"
    case .completion: "completion"
    case .denials: "denials"
    case .start: "start"
    case .reload: "reload"
    case .checkpoint: "checkpoint"
    case .clock: "clock"
    case .repair: "repair"
    case .stop: "stop"
    case .store: "store"
    case .threshold: "threshold"
    case .drop: "drop"
    case .restore: "restore"
    case .revoke: "revoke"
    }
  }

  /// Every value of `type`.
  package static let types = [
    "admission", "completion", "denials", "start", "reload", "checkpoint", "clock", "repair",
    "stop", "store", "threshold", "drop", "restore", "revoke",
  ]

  /// The id of the exchange that the record is about; nil where it is not about one.
  package var requestID: String? {
    switch body {
    case .admission(let admission): admission.value.requestID
    case .completion(let completion): completion.value.requestID
    case .denials, .start, .reload, .checkpoint, .clock, .repair, .stop, .store, .threshold, .drop,
      .restore, .revoke:
      nil
    }
  }

  /// The ledger's id and the number of a start, where the record has them.
  package var identity: LedgerIdentity? {
    switch body {
    case .start(let event): event.identity
    case .checkpoint(let checkpoint): checkpoint.identity
    case .admission, .completion, .denials, .reload, .clock, .repair, .stop, .store, .threshold,
      .drop, .restore, .revoke:
      nil
    }
  }

  /// An estimate of its line's length, for the queue's bound. A checkpoint does not count there.
  var estimatedBytes: Int {
    switch body {
    case .admission(let admission): 768 + 128 * admission.value.reserved.count
    case .completion(let completion): 896 + 128 * completion.value.charged.count
    case .stop(let event): event.estimates.reduce(320) { $0 + 64 + 8 * $1.state.count }
    case .denials(let denials): 320 + 40 * denials.requestIDs.count
    case .start, .reload, .clock, .repair, .checkpoint, .restore: 320
    case .store(let event): 320 + 8 * event.partitions.count + 64 * event.identityCount
    case .threshold, .drop, .revoke: 640
    }
  }
}
