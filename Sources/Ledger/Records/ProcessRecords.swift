/// The record `denials`: how many refusals of one tenant and reason have no record of their own.
package struct Denials: Equatable, Sendable {
  /// The tenant's name; nil where none was identified, or where too many pairs were counted.
  package var tenant: String?
  /// The refusals' code.
  package var reason: String
  /// The number of these refusals.
  package var count: Int64
  /// The start of the second in which they were counted, in Unix milliseconds.
  package var sinceMs: Int64
  /// The first ids of these requests; empty where no tenant was identified, and in older ledgers.
  package var requestIDs: [String]

  package init(
    tenant: String?, reason: String, count: Int64, sinceMs: Int64, requestIDs: [String] = []
  ) {
    self.requestIDs = requestIDs
    self.tenant = tenant
    self.reason = reason
    self.count = count
    self.sinceMs = sinceMs
  }
}

/// The records `start`, `reload` and `stop`: what the process did, and the policy that it had then.
package struct ProcessEvent: Equatable, Sendable {
  /// The policy's revision.
  package var policy: String
  /// Tollgate's version.
  package var version: String
  /// In a `start`, the ledger's id and the number of this start; nil in older ledgers, and in the others.
  package var identity: LedgerIdentity?
  /// In a `stop`, what was learned of models' tokens since the last checkpoint; else empty.
  package var estimates: [ModelEstimate]

  package init(
    policy: String, version: String, identity: LedgerIdentity? = nil,
    estimates: [ModelEstimate] = []
  ) {
    self.policy = policy
    self.version = version
    self.identity = identity
    self.estimates = estimates
  }
}

/// The record `drop`: a range of records that left the ledger before its time: before `--retain` had
/// passed, or before a shipping target had them.
package struct Drop: Equatable, Sendable {
  /// Why segments were removed before `--retain` had passed.
  package enum Reason: String, Sendable, CaseIterable {
    /// The ledger's bound was reached, and every shipping target has them.
    case delivered
    /// The ledger's bound was reached, and nobody else has them: `--ledger-full recycle`, or a target
    /// with `on_full=drop`, which has a record of its own.
    case full
  }

  /// The target that will never get them, as `--ship` names it, without its options; nil where the
  /// record is about the ledger alone.
  package var target: String?
  /// Why they were removed; nil where the record is about a target.
  package var reason: Reason?
  /// The first record of the range.
  package var firstSeq: Int64
  /// The last record of the range.
  package var lastSeq: Int64

  /// Records that a target will never get.
  package init(target: String, firstSeq: Int64, lastSeq: Int64) {
    self.target = target
    self.firstSeq = firstSeq
    self.lastSeq = lastSeq
  }

  /// Records that left the ledger before `--retain` had passed.
  package init(_ reason: Reason, firstSeq: Int64, lastSeq: Int64) {
    self.reason = reason
    self.firstSeq = firstSeq
    self.lastSeq = lastSeq
  }
}

/// The record `restore`: everything before it was restored from records that had been shipped.
package struct Restore: Equatable, Sendable {
  /// The first record that was restored.
  package var firstSeq: Int64
  /// The last one that was shipped.
  package var lastSeq: Int64

  package init(firstSeq: Int64, lastSeq: Int64) {
    self.firstSeq = firstSeq
    self.lastSeq = lastSeq
  }
}

/// The record `clock`: the wall clock was set, and the ledger's time goes on from what it says. Only
/// here does the ledger's time step back.
package struct ClockJump: Equatable, Sendable {
  /// How far the ledger's time had come, in Unix milliseconds. Nil in records of older versions,
  /// whose ledger's time did not step: it stood until the wall clock had caught up.
  package var fromMs: Int64?
  /// What the wall clock says, in Unix milliseconds.
  package var wallMs: Int64
  /// How far that is from what was expected, in milliseconds; negative where the clock went back.
  package var jumpMs: Int64

  /// A step.
  package init(fromMs: Int64, wallMs: Int64) {
    self.init(fromMs: fromMs, wallMs: wallMs, jumpMs: wallMs - fromMs)
  }

  /// As a record says it.
  package init(fromMs: Int64? = nil, wallMs: Int64, jumpMs: Int64) {
    self.fromMs = fromMs
    self.wallMs = wallMs
    self.jumpMs = jumpMs
  }
}

/// The record `repair`: damage that an operator accepted with `--repair-ledger`. A new chain begins
/// with this segment.
package struct Repair: Equatable, Sendable {
  /// The segment file in which the damage begins.
  package var file: String
  /// The offset in this file, in bytes.
  package var offset: Int64
  /// What is damaged, as a text.
  package var damage: String
  /// The `seq` of the last record before the damage; 0 where there is none.
  package var lastGoodSeq: Int64

  package init(file: String, offset: Int64, damage: String, lastGoodSeq: Int64) {
    self.file = file
    self.offset = offset
    self.damage = damage
    self.lastGoodSeq = lastGoodSeq
  }
}
