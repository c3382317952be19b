import Bytes
import Ledger
import Policy
import Terms

/// Which of a policy's keys nobody has used for long, by a ledger's admissions.
struct KeyUse {
  /// For how long a key must be unused to be warned of.
  static let unusedDays: Int64 = 90

  private struct Key: Hashable {
    let tenant: String
    let id: String
  }

  private var lastMs: [Key: Int64] = [:]
  private(set) var sinceMs: Int64?

  /// Reads the ledger in a data directory; nil, with the reason printed, where it cannot be read.
  init?(of directory: String) {
    var (last, since): ([Key: Int64], Int64?) = ([:], nil)
    let isWhole = LedgerReading.run(directory, for: "check") { _, record in
      since = min(since ?? .max, record.timeMs)
      guard case .admission(let admission) = record.body, let tenant = admission.tenant,
        let id = admission.keyID
      else { return }
      let key = Key(tenant: tenant, id: id)
      last[key] = max(last[key] ?? .min, record.timeMs)
    }
    guard isWhole else { return nil }
    (lastMs, sinceMs) = (last, since)
  }

  /// A line for each key that could be used and was not.
  func warnings(_ policy: PolicySnapshot, nowMs: Int64) -> [String] {
    let beforeMs = nowMs - Self.unusedDays * 86_400_000
    guard let sinceMs, sinceMs <= beforeMs else {
      let days = sinceMs.map { max(0, nowMs - $0) / 86_400_000 } ?? 0
      return [
        "the ledger reaches back \(Counted.text(days, "day")): which keys were not used for"
          + " \(Self.unusedDays) days is not known (serve --retain \(Self.unusedDays)d keeps so much)"
      ]
    }
    var lines: [String] = []
    for tenant in policy.tenants {
      for key in tenant.keys where !key.disabled {
        if let expires = key.expiresSeconds, expires <= nowMs / 1_000 { continue }
        let name = Key(tenant: tenant.name.string, id: key.id.string)
        let last = lastMs[name]
        guard last ?? .min < beforeMs else { continue }
        lines.append(
          "the key \(name.tenant)/\(name.id) was not used for \(Self.unusedDays) days"
            + (last.map { ", last at \(UTCTime.string($0))" } ?? "")
            + ": disable it, or take it out")
      }
    }
    return lines
  }
}
