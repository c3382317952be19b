import Foundation
import Ledger
import Terms

/// A record of each type with everything in it that a record may have.
enum RecordSamples {
  /// Fields that stand in any record.
  static let common: Set<String> = ["type", "seq", "timestamp", "carried", "hash"]

  static var all: [LedgerRecord] {
    let charge = Charge(counter: "tenant/t/l", amount: 1, window: 0)
    let admission = Admission(
      requestID: "req_1", decision: .allow, shadowLimits: ["l"], reserved: [charge], policy: "p")
    let completion = Completion(
      requestID: "req_1", usageSource: .reported, costParts: CostParts(), endReason: .complete,
      disputed: DisputedUsage(promptTokens: 0, completionTokens: 1), charged: [charge])
    let event = ProcessEvent(policy: "p", version: "v")
    let identity = LedgerIdentity(id: String(repeating: "a", count: 32), start: 1)
    let start = ProcessEvent(policy: "p", version: "v", identity: identity)
    let stop = ProcessEvent(
      policy: "p", version: "v", estimates: [ModelEstimate(tenant: "t", model: "m", state: [0])])
    var used = completion
    used.tenant = "t"
    used.model = "m"
    used.costNanodollars = 1
    for path in [
      \Completion.promptTokens, \.cachedPromptTokens, \.cacheWritePromptTokens,
      \.completionTokens, \.reasoningTokens, \.totalTokens,
    ] {
      used[keyPath: path] = 1
    }
    used.usageSource = .estimated
    var totals = DayTotals(timeZone: "UTC", sinceMs: 0)
    for day in [0, 100] as [Int64] { totals.add(used, keyID: "k", day: day) }
    totals.used(tenant: "t", keyID: "k", atMs: 0)
    let checkpoint = Checkpoint(
      previousHash: Chain.origin, identity: identity, clockSinceMs: 0,
      counters: [CounterState(counter: "tenant/t/l", kind: .requests, fields: [])],
      open: [OpenExchange(seq: 1, timeMs: 0, admission: admission)],
      estimates: [ModelEstimate(tenant: "t", model: "m", state: [0])], totals: totals,
      revoked: [Revocation(tenant: "t", keyID: "k", keyHash: Chain.origin)])
    let bodies: [LedgerRecord.Body] = [
      .admission(admission), .completion(completion), .start(start), .reload(event), .stop(stop),
      .denials(
        Denials(tenant: "t", reason: "r", count: 1, sinceMs: 0, requestIDs: ["req_1"])),
      .checkpoint(checkpoint),
      .clock(ClockJump(fromMs: 0, wallMs: 0)),
      .repair(Repair(file: "f", offset: 0, damage: "d", lastGoodSeq: 0)),
      .store(
        StoreEvent(
          .opened, partitions: [0], by: [identity], missing: [identity], bound: StoreAmounts(),
          isFirst: true)),
      .threshold(
        Threshold(
          tenant: "t", group: nil, limit: "l", counter: "tenant/t/l", kind: .tokens,
          share: .whole, used: 1, amount: 1, windowStartMs: 0, windowEndMs: 1)),
      .drop(Drop(target: "t", firstSeq: 1, lastSeq: 1)),
      .drop(Drop(.full, firstSeq: 1, lastSeq: 1)),
      .restore(Restore(firstSeq: 1, lastSeq: 1)),
      .revoke(Revocation(tenant: "t", keyID: "k", keyHash: Chain.origin, isUndone: true)),
    ]
    return bodies.map { LedgerRecord(seq: 1, timeMs: 0, isCarried: true, body: $0) }
  }

  /// The names of a record's fields; those of a list's elements as `list[].name`, those of an
  /// object as `object.name`. An element of
  /// `open` has the fields of an admission besides its own: those are left out.
  static func fields(of record: LedgerRecord) throws -> Set<String> {
    var line = record.encoded()
    var chain = Chain()
    chain.seal(&line)
    let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] ?? [:]
    var names = Set(object.keys)
    for (name, value) in object {
      names.formUnion((value as? [String: Any] ?? [:]).keys.map { "\(name).\($0)" })
      for element in value as? [[String: Any]] ?? [] {
        names.formUnion(element.keys.map { "\(name)[].\($0)" })
      }
    }
    if case .checkpoint = record.body, let admission = all.first(where: { $0.type == "admission" })
    {
      let own = try fields(of: admission).subtracting(common)
      names.subtract(own.map { "open[].\($0)" })
    }
    return names
  }
}
