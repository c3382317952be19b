/// One record of the ledger: its place, its time, and what it says. Only these types are ever
/// written, and none has a field that could hold a prompt, an answer or a credential.
package struct LedgerRecord: Equatable, Sendable {
  package enum Body: Equatable, Sendable {
    case admission(Admission)
    case completion(Completion)
    case denials(Denials)
    case start(ProcessEvent)
    case reload(ProcessEvent)
    case checkpoint(Checkpoint)
    case clock(ClockJump)
    case repair(Repair)
    case stop(ProcessEvent)
    case drop(Drop)
  }

  package var seq: Int64
  /// The ledger's time in Unix milliseconds.
  package var timeMs: Int64
  /// Written again after its first write failed: the segment's checkpoint counts it already.
  package var isCarried: Bool
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
    case .drop: "drop"
    }
  }

  /// Every value of `type`.
  package static let types = [
    "admission", "completion", "denials", "start", "reload", "checkpoint", "clock", "repair",
    "stop", "drop",
  ]

  /// The exchange this is about, if it is about one.
  package var requestID: String? {
    switch body {
    case .admission(let admission): admission.requestID
    case .completion(let completion): completion.requestID
    case .denials, .start, .reload, .checkpoint, .clock, .repair, .stop, .drop: nil
    }
  }

  /// About how long its line will be, for the queue's bound; a checkpoint is not queued by it.
  var estimatedBytes: Int {
    switch body {
    case .admission(let admission): 768 + 128 * admission.reserved.count
    case .completion(let completion): 896 + 128 * completion.charged.count
    case .stop(let event): event.estimates.reduce(320) { $0 + 64 + 8 * $1.state.count }
    case .denials, .start, .reload, .clock, .repair, .checkpoint: 320
    case .drop: 640
    }
  }
}
