import Books
import Bytes
import Metrics
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

  /// The whole answer.
  var json: [UInt8] {
    let traffic = metrics.traffic(ofTenants: found.names)
    let limits = books?.limitStates(ofTenants: found.names) ?? found.names.map { _ in [] }
    var json = JSONWriter()
    json.object { json in
      json.field("total", found.total)
      json.field("offset", query.offset)
      json.array("global") { json in
        for limit in books?.globalLimitStates() ?? [] { Self.add(limit, to: &json) }
      }
      json.array("tenants") { json in
        for (name, (traffic, limits)) in zip(found.names, zip(traffic, limits)) {
          json.object { json in
            json.field("tenant", name)
            Self.add(traffic, to: &json)
            json.array("limits") { json in
              for limit in limits { Self.add(limit, to: &json) }
            }
          }
        }
      }
    }
    return json.bytes
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
      case .tenant: json.field("owner", "tenant")
      case .key(let id):
        json.field("owner", "key")
        keyID = id
      case .trafficClass(let name):
        json.field("owner", "class")
        json.field("class", name)
      }
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
      json.field("counters", limit.counters)
      if let keyID { json.field("key_id", keyID) }
      if let subject = limit.subject { json.field("subject", subject) }
    }
  }
}
