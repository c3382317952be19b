/// Refusals of one tenant and reason that were not recorded singly.
package struct Denials: Equatable, Sendable {
  package var tenant: String?
  package var reason: String
  package var count: Int64
  /// The start of the second they fell into, in Unix milliseconds.
  package var sinceMs: Int64

  package init(tenant: String?, reason: String, count: Int64, sinceMs: Int64) {
    self.tenant = tenant
    self.reason = reason
    self.count = count
    self.sinceMs = sinceMs
  }
}

/// What the process did (`start`, `reload`, `stop`), with the policy it then had.
package struct ProcessEvent: Equatable, Sendable {
  /// The policy's revision.
  package var policy: String
  /// Tollgate's version.
  package var version: String
  /// Of a `stop`: what was learned of models' tokens since the last checkpoint.
  package var estimates: [ModelEstimate]

  package init(policy: String, version: String, estimates: [ModelEstimate] = []) {
    self.policy = policy
    self.version = version
    self.estimates = estimates
  }
}

/// Records that a shipping target will never be sent: they left the ledger before it had them.
package struct Drop: Equatable, Sendable {
  /// The target as `--ship` names it, without its options.
  package var target: String
  package var firstSeq: Int64
  package var lastSeq: Int64

  package init(target: String, firstSeq: Int64, lastSeq: Int64) {
    self.target = target
    self.firstSeq = firstSeq
    self.lastSeq = lastSeq
  }
}

/// The wall clock jumped; the ledger's own time did not run backwards.
package struct ClockJump: Equatable, Sendable {
  /// What the wall clock said, in Unix milliseconds.
  package var wallMs: Int64
  /// How far that is from where it was expected; negative where it went back.
  package var jumpMs: Int64

  package init(wallMs: Int64, jumpMs: Int64) {
    self.wallMs = wallMs
    self.jumpMs = jumpMs
  }
}

/// A break that an operator accepted: the chain begins anew behind it.
package struct Repair: Equatable, Sendable {
  /// Where the damage begins.
  package var file: String
  package var offset: Int64
  package var damage: String
  /// The last record of the old chain that held; 0 where there is none.
  package var lastGoodSeq: Int64

  package init(file: String, offset: Int64, damage: String, lastGoodSeq: Int64) {
    self.file = file
    self.offset = offset
    self.damage = damage
    self.lastGoodSeq = lastGoodSeq
  }
}
