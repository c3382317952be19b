/// How much each tenant wrote to the ledger of late, by which a ledger that is almost full is shared.
/// A value without a clock; only tenants of the policy write, so it is bounded by their number.
///
/// While the ledger is crowded nothing is forgotten: otherwise a tenant could fill it a minute's share
/// at a time.
struct TenantShares {
  /// Bytes by tenant: since `began`, and in the half window before.
  private var recent: [String: Int64] = [:]
  private var earlier: [String: Int64] = [:]
  /// How many tenants are in at least one of the two.
  private var writerCount = 0
  /// The exchanges of each tenant that are open: room is kept free for the completion of each.
  private var openCounts: [String: Int64] = [:]
  private var beganMs: Int64 = 0

  /// Notes a record.
  mutating func wrote(_ record: LedgerRecord, isCrowded: Bool) {
    if !isCrowded { forget(record.timeMs) }
    let tenant: String?
    switch record.body {
    case .admission(let admission):
      tenant = admission.value.tenant
      if admission.value.decision == .allow, let tenant { openCounts[tenant, default: 0] += 1 }
    case .completion(let completion):
      tenant = completion.value.tenant
      if let tenant, let known = openCounts.index(forKey: tenant) {
        openCounts.values[known] -= 1
        if openCounts.values[known] < 1 { openCounts.remove(at: known) }
      }
    case .denials(let denials): tenant = denials.tenant
    case .start, .reload, .checkpoint, .clock, .repair, .stop, .store, .threshold, .drop, .restore,
      .revoke:
      return
    }
    guard let tenant else { return }
    let bytes = Int64(record.estimatedBytes)
    if let known = recent.index(forKey: tenant) {
      recent.values[known] += bytes
    } else {
      if earlier[tenant] == nil { writerCount += 1 }
      recent[tenant] = bytes
    }
  }

  /// The exchanges that are open now.
  mutating func open(_ exchanges: [OpenExchange]) {
    openCounts = [:]
    for exchange in exchanges {
      if let tenant = exchange.admission.tenant { openCounts[tenant, default: 0] += 1 }
    }
  }

  /// Whether the tenant has had its share of `sharedBytes`: they are divided by those who wrote, and
  /// one more who may come, where there are so many tenants.
  func isOver(_ tenant: String, of sharedBytes: Int64, among tenantCount: Int) -> Bool {
    let shareCount = max(writerCount, min(writerCount + 1, tenantCount))
    // A tenant that is alone has all of it.
    if shareCount < 2 { return false }
    let reserved = (openCounts[tenant] ?? 0) * Int64(LedgerLimits.completionBytesReserved)
    let written = (recent[tenant] ?? 0) + (earlier[tenant] ?? 0)
    return written + reserved > sharedBytes / Int64(shareCount)
  }

  private mutating func forget(_ timeMs: Int64) {
    let halfMs = LedgerLimits.shareWindowMs / 2
    guard timeMs - beganMs >= halfMs || timeMs < beganMs else { return }
    earlier = timeMs - beganMs < 2 * halfMs && timeMs >= beganMs ? recent : [:]
    recent = [:]
    writerCount = earlier.count
    beganMs = timeMs
  }
}
