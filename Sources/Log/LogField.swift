/// The name of a log line's field. Names stay as they are; `envoy/observability/logs.md` describes
/// each.
package enum LogKey: String, Sendable, CaseIterable {
  // The process.
  case version, pid, listen, workers, data, durability, signal, connections, requests, status
  case logLevel = "log_level"
  case previousLogLevel = "previous_log_level"
  case watches
  case drainTimeoutSeconds = "drain_timeout_seconds"
  case retainSeconds = "retain_seconds"
  case ledgerBytesMax = "ledger_max_bytes"
  case durationSeconds = "duration_seconds"
  case isComplete = "complete"

  // What happened.
  case reason, count, file, error, place, problem, repeated
  case windowSeconds = "window_seconds"

  // The policy.
  case policyRevision = "policy_revision"
  case previousRevision = "previous_revision"
  case problems, refused
  case tenants, models, keys, limits
  case settingsChanged = "settings_changed"
  case tenantsAdded = "tenants_added"
  case tenantsRemoved = "tenants_removed"
  case tenantsChanged = "tenants_changed"
  case keysAdded = "keys_added"
  case keysRemoved = "keys_removed"
  case keysChanged = "keys_changed"
  case limitsAdded = "limits_added"
  case limitsRemoved = "limits_removed"
  case limitsChanged = "limits_changed"
  case modelsAdded = "models_added"
  case modelsRemoved = "models_removed"
  case modelsChanged = "models_changed"
  case routesAdded = "routes_added"
  case routesRemoved = "routes_removed"
  case routesChanged = "routes_changed"
  case classesAdded = "classes_added"
  case classesRemoved = "classes_removed"
  case classesChanged = "classes_changed"

  // The ledger.
  case ledgerSeq = "ledger_seq"
  case lastLedgerSeq = "last_ledger_seq"
  case ledgerHash = "ledger_hash"
  case interrupted
  /// Where records are shipped to.
  case target, bytes

  // One exchange, at debug: the ledger's words.
  case requestID = "request_id"
  case tenant, subject, route, model, stream, origin
  case modelRoute = "model_route"
  case httpStatus = "http_status"
  case limit
  case latencyMs = "latency_ms"
  case promptTokens = "prompt_tokens"
  case completionTokens = "completion_tokens"
  case usageSource = "usage_source"
  case endReason = "end_reason"
}

/// A field's value, by its type in JSON.
package enum LogValue: Sendable, Equatable {
  case text(String)
  case integer(Int64)
  case flag(Bool)
  /// To the millisecond.
  case seconds(Duration)
  /// Unknown; text leaves the field out.
  case null
  /// How many there are, and the names of the first of them.
  case names(count: Int, [String])

  /// Names that a field lists; the others are counted.
  package static let namesMax = 16

  package static func integer(_ value: Int) -> LogValue { .integer(Int64(value)) }

  /// Unknown where there is none.
  package static func optional(_ text: String?) -> LogValue { text.map(LogValue.text) ?? .null }

  package static func optional(_ value: Int64?) -> LogValue {
    value.map(LogValue.integer) ?? .null
  }

  /// All of `names`, counted; the first of them by name.
  package static func names(_ names: [String]) -> LogValue {
    .names(count: names.count, Array(names.prefix(namesMax)))
  }
}
