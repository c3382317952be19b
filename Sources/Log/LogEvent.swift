/// What a log line is about: the name that searches and alerts match, so a name never changes.
/// `envoy/observability/logs.md` describes each.
package enum LogEvent: String, Sendable, CaseIterable {
  // The process.
  case started, listening, ready, stopped
  case startFailed = "start_failed"
  case drainBegan = "drain_began"
  case drainWaits = "drain_waits"
  case drainEnded = "drain_ended"
  case signal
  case serverFailed = "server_failed"
  case linesDropped = "lines_dropped"
  /// A line without an event of its own.
  case note

  // The policy.
  case policyReplaced = "policy_replaced"
  case tenantPlanChanged = "tenant_plan_changed"
  case policyUnchanged = "policy_unchanged"
  case policyRefused = "policy_refused"
  case policyProblem = "policy_problem"
  case policyWarning = "policy_warning"
  case policyWatchDegraded = "policy_watch_degraded"
  case logLevelChanged = "log_level_changed"

  // The ledger.
  case ledgerTorn = "ledger_torn"
  case ledgerSegmentsGone = "ledger_segments_gone"
  case clockStepped = "clock_stepped"
  case ledgerRepaired = "ledger_repaired"
  case exchangesInterrupted = "exchanges_interrupted"
  case ledgerUnavailable = "ledger_unavailable"
  case ledgerWritable = "ledger_writable"
  case ledgerCloseFailed = "ledger_close_failed"

  // The socket in the data directory.
  case controlRefused = "control_refused"
  case controlUnavailable = "control_unavailable"
  case keyRevoked = "key_revoked"
  case keyAccepted = "key_accepted"

  // The ids of responses.
  case responseIDsDamaged = "response_ids_damaged"
  case responseIDsUnwritten = "response_ids_unwritten"
  case responseIDsWritten = "response_ids_written"

  // The store that limits are shared through.
  case storeJoined = "store_joined"
  case storeLost = "store_lost"
  case storeReturned = "store_returned"
  case storeOpened = "store_opened"
  case storeFenced = "store_fenced"
  case storeCredentials = "store_credentials"
  case storeUnfit = "store_unfit"

  // Shipping.
  case shipBegan = "ship_began"
  case shipFailed = "ship_failed"
  case shipRestored = "ship_restored"
  case shipRejected = "ship_rejected"
  case shipShrunk = "ship_shrunk"
  case shipDamaged = "ship_damaged"
  case shipDropped = "ship_dropped"
  case shipWaits = "ship_waits"

  // Connections.
  case connectionCut = "connection_cut"
  case connectionsRefused = "connections_refused"
  case acceptFailed = "accept_failed"

  // Limits.
  case limitThreshold = "limit_threshold"

  // Exchanges.
  case requestsRefused = "requests_refused"
  case credentialsConflict = "credentials_conflict"
  case claimsUnfit = "claims_unfit"
  case buffersFull = "buffers_full"
  case gatewayMisconfigured = "gateway_misconfigured"
  case notEnforced = "not_enforced"
  case usageUnread = "usage_unread"
  /// The end of one exchange, at debug.
  case exchange
  /// One refusal, at debug.
  case refusal
}
