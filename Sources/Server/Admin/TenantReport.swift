import Books
import Bytes
import Ledger
import Metrics
import Policy
import Terms

/// `/api/v1/tenants`: what tenants have used since the start, and what is left of their limits.
///
/// On the admin server's thread.
struct TenantReport {
  /// How many tenants the query has found, and the names to report.
  let found: (total: Int, names: [String])
  let query: TenantQuery
  let metrics: MetricsRegistry
  /// nil while the ledger is not open: then there are no limits to report.
  let books: Books?
  let policy: PolicySnapshot?
  /// How many of a tenant's keys are listed.
  static let keysMax = 100

  /// The whole answer.
  var json: [UInt8] {
    let traffic = metrics.traffic(ofTenants: found.names)
    let limits = books?.limitStates(ofTenants: found.names) ?? found.names.map { _ in [] }
    let uses = books.map { UsageSums($0).keyUses } ?? [:]
    var json = JSONWriter()
    json.object { json in
      json.field("total", found.total)
      json.field("offset", query.offset)
      json.array("global") { json in
        for limit in books?.globalLimitStates() ?? [] { Self.add(limit, to: &json) }
      }
      Self.add(books?.groupLimitStates(ofTenants: found.names) ?? [], to: &json)
      let current = books?.currentLimits
      json.array("tenants") { json in
        for (name, (traffic, limits)) in zip(found.names, zip(traffic, limits)) {
          json.object { json in
            json.field("tenant", name)
            let tenant = current?.tenant(named: name)
            if let plan = tenant?.plan { json.field("plan", plan) }
            if let group = tenant?.group { json.field("group", group.name) }
            Self.add(traffic, to: &json)
            json.array("limits") { json in
              for limit in limits { Self.add(limit, to: &json) }
            }
            keys(of: name, uses, &json)
          }
        }
      }
    }
    return json.bytes
  }

  /// The groups of these tenants; left out where none of them is in one.
  private static func add(
    _ groups: [(group: TenantGroup, limits: [LimitState])], to json: inout JSONWriter
  ) {
    guard !groups.isEmpty else { return }
    json.array("groups") { json in
      for (group, limits) in groups {
        json.object { json in
          json.field("group", group.name)
          json.field("tenants", group.tenants.count)
          json.array("limits") { json in
            for limit in limits { add(limit, to: &json) }
          }
        }
      }
    }
  }

  /// The policy's keys of a tenant, with their last use and what they spent.
  private func keys(
    of tenant: String, _ uses: [DayTotals.KeyName: UsageSums.KeyUse], _ json: inout JSONWriter
  ) {
    let found = policy?.tenant(named: Array(tenant.utf8).span)
    json.array("keys") { json in
      for key in found?.keys.prefix(Self.keysMax) ?? [] {
        let name = DayTotals.KeyName(tenant: tenant, keyID: key.id.string)
        json.object { json in
          UsageSums.add(name.keyID, uses[name], to: &json)
          json.field(
            "expires",
            timeMs: key.expiresSeconds.map {
              $0.multipliedReportingOverflow(by: 1_000).partialValue
            })
          json.field("disabled", key.disabled)
        }
      }
    }
  }

  private static func add(_ traffic: TenantTraffic, to json: inout JSONWriter) {
    json.field("requests", Int64(clamping: traffic.requests))
    json.field("denials", Int64(clamping: traffic.denials))
    json.field("prompt_tokens", Int64(clamping: traffic.promptTokens))
    json.field("completion_tokens", Int64(clamping: traffic.completionTokens))
    json.field("cost_usd", Dollars.text(Int64(clamping: traffic.costNanodollars)))
  }

  private static func add(_ limit: LimitState, to json: inout JSONWriter) {
    json.object { json in
      json.field("name", limit.name)
      var keyID = limit.keyID
      switch limit.owner {
      case .global: json.field("owner", "global")
      case .group(let name):
        json.field("owner", "group")
        json.field("group", name)
      case .tenant: json.field("owner", "tenant")
      case .key(let id):
        json.field("owner", "key")
        keyID = id
      case .trafficClass(let name):
        json.field("owner", "class")
        json.field("class", name)
      }
      if let plan = limit.plan { json.field("plan", plan) }
      json.field("kind", limit.kind)
      json.field("per", limit.per)
      json.field("scope", limit.scope.rawValue)
      if let models = limit.models { json.field("models", models) }
      for (name, amount) in [
        ("amount", limit.amount), ("capacity", limit.capacity), ("used", limit.used),
        ("reserved", limit.reserved), ("remaining", limit.remaining),
      ] {
        if limit.kind == "usd" {
          json.name(any: name)
          json.value(Dollars.text(amount))
        } else {
          json.field(any: name, amount)
        }
      }
      json.field("resets_at", timeMs: limit.resetsAtMs)
      Self.addMarks(limit, to: &json)
      json.field("counters", limit.counters)
      if let keyID { json.field("key_id", keyID) }
      if let subject = limit.subject { json.field("subject", subject) }
    }
  }

  /// What a limit tells beside what is left of it: `mode`, `warn_at`, `raises`.
  private static func addMarks(_ limit: LimitState, to json: inout JSONWriter) {
    if let shadow = limit.shadow {
      json.field("mode", "shadow")
      json.object("shadow") { json in
        json.field("refusals", shadow.count)
        json.array("callers") { json in
          for caller in shadow.callers {
            json.object { json in
              json.field("tenant", caller.tenant)
              json.field("subject", caller.subject)
              json.field("refusals", caller.count)
            }
          }
        }
      }
    }
    if !limit.warnAt.isEmpty {
      json.array("warn_at") { json in
        for share in limit.warnAt { json.value(number: share.description) }
      }
      json.field("warned", number: limit.warned?.description)
    }
    guard !limit.raises.isEmpty else { return }
    json.array("raises") { json in
      for raise in limit.raises {
        json.object { json in
          if limit.kind == "usd" {
            json.field("add", Dollars.text(raise.add))
          } else {
            json.field("add", raise.add)
          }
          json.field("from", timeMs: raise.fromMs)
          json.field("until", timeMs: raise.untilMs)
        }
      }
    }
  }
}
