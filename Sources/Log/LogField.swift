/// The name of a log line's field. Searches match it, so a name never changes.
/// `envoy/observability/logs.md` describes each.
package enum LogKey: String, Sendable, CaseIterable {
  // The process.
  case version, pid, listen, workers, data, durability, signal, connections, requests, status
  case logLevel = "log_level"
  case previousLogLevel = "previous_log_level"
  case watches
  case drainTimeoutSeconds = "drain_timeout_seconds"
  case retainSeconds = "retain_seconds"
  case ledgerBytesMax = "ledger_max_bytes"
  case ledgerHours = "ledger_hours"
  case ledgerFull = "ledger_full"
  case durationSeconds = "duration_seconds"
  case isComplete = "complete"

  // What happened.
  case reason, count, file, error, place, problem, repeated, headers
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

  case plansAdded = "plans_added"
  case plansRemoved = "plans_removed"
  case plansChanged = "plans_changed"
  case groupsAdded = "groups_added"
  case groupsRemoved = "groups_removed"
  case groupsChanged = "groups_changed"
  case plan
  case previousPlan = "previous_plan"

  // The ledger.
  case ledgerSeq = "ledger_seq"
  case lastLedgerSeq = "last_ledger_seq"
  case ledgerHash = "ledger_hash"
  case interrupted
  /// Times of a clock that was set.
  case from, to
  case jumpSeconds = "jump_seconds"
  /// Where records are shipped to.
  case target, bytes

  // The store that limits are shared through.
  case store, replicas, partitions, missing
  case startNumber = "start_number"

  // A share of a budget that was reached: named as in the ledger.
  case group, share, used, amount, kind
  case windowEnd = "window_end"

  // One exchange, at debug: named as in the ledger.
  case requestID = "request_id"
  case keyID = "key_id"
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

/// The value of a log line's field.
package enum LogValue: Sendable, Equatable {
  case text(String)
  case integer(Int64)
  case flag(Bool)
  /// Written in seconds, to the millisecond.
  case seconds(Duration)
  /// Not known: `null` in JSON; the text form leaves the field out.
  case null
  /// How many names there are, and the first of them.
  case names(count: Int, [String])

  /// How many names a field lists.
  package static let namesMax = 16

  /// A number.
  package static func integer(_ value: Int) -> LogValue { .integer(Int64(value)) }

  /// A text, or null where it is nil.
  package static func optional(_ text: String?) -> LogValue { text.map(LogValue.text) ?? .null }

  /// A number, or null where it is nil.
  package static func optional(_ value: Int64?) -> LogValue {
    value.map(LogValue.integer) ?? .null
  }

  /// All of `names` counted, and the first of them.
  package static func names(_ names: [String]) -> LogValue {
    .names(count: names.count, Array(names.prefix(namesMax)))
  }
}
