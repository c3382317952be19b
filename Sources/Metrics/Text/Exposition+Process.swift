extension Exposition {
  /// Writes the version of the program.
  mutating func build(version: String) {
    metric("ai_gateway_build_info", .gauge, "The version of this program.")
    sample([("version", version)], 1)
  }

  /// Writes which policy is in force, and what happened to the last ones that were read.
  mutating func policy(_ status: PolicyStatus) {
    metric("ai_gateway_policy_info", .gauge, "The revision of the policy in force.")
    sample([("revision", status.revision)], 1)
    metric(
      "ai_gateway_policy_generation", .gauge,
      "1 for the first policy, one more with each that replaced it.")
    sample(status.generation)
    metric("ai_gateway_policy_reloads_total", .counter, "Policies that were read, by result.")
    sample([("result", "replaced")], UInt64(max(0, status.replaced)))
    sample([("result", "unchanged")], UInt64(max(0, status.unchanged)))
    sample([("result", "refused")], UInt64(max(0, status.refused)))
    metric(
      "ai_gateway_policy_last_reload_successful", .gauge,
      "1 when the last policy that was read is the one in force, 0 when it was refused.")
    sample(status.isLastGood)
    metric(
      "ai_gateway_policy_last_reload_timestamp_seconds", .gauge,
      "When a policy was last read, successfully or not.")
    sample(UInt64(max(0, status.lastAttemptMs)), per: 1_000)
    metric(
      "ai_gateway_policy_loaded_timestamp_seconds", .gauge,
      "When the policy in force replaced the one before it.")
    sample(UInt64(max(0, status.loadedAtMs)), per: 1_000)
    metric("ai_gateway_policy_tenants", .gauge, "Tenants in the policy in force.")
    sample(status.tenants)
    metric("ai_gateway_policy_models", .gauge, "Models in the policy in force.")
    sample(status.models)
  }

  /// Writes the state of the shipping to each target.
  mutating func shipping(_ targets: [ShipStatistics]) {
    guard !targets.isEmpty else { return }
    func each(
      _ name: StaticString, _ kind: Kind, _ help: StaticString,
      _ value: (ShipStatistics) -> Int64
    ) {
      metric(name, kind, help)
      for target in targets {
        sample([("target", target.target)], UInt64(max(0, value(target))))
      }
    }
    each(
      "ai_gateway_ship_acknowledged_seq", .gauge,
      "The sequence number up to which the target has acknowledged every record."
    ) { $0.acknowledgedSeq }
    each(
      "ai_gateway_ship_lag_records", .gauge, "Records on disk that the target has not acknowledged."
    ) {
      $0.lagRecords
    }
    metric(
      "ai_gateway_ship_lag_seconds", .gauge,
      "The age of the oldest record that the target has not acknowledged.")
    for target in targets { sample([("target", target.target)], seconds: target.lagSeconds) }
    each("ai_gateway_ship_records_total", .counter, "Records that the target accepted.") {
      $0.shipped
    }
    each(
      "ai_gateway_ship_retries_total", .counter, "Attempts to ship that failed and were repeated."
    ) {
      $0.retries
    }
    each(
      "ai_gateway_ship_rejected_total", .counter,
      "Records that the target refused and that were set aside."
    ) {
      $0.rejected
    }
    each(
      "ai_gateway_ship_dropped_total", .counter,
      "Records that were deleted before they were shipped, because the ledger was full."
    ) { $0.dropped }
    each(
      "ai_gateway_ship_damaged_total", .counter,
      "Records that were not shipped because the ledger's file is damaged at their place."
    ) { $0.damaged }
    metric(
      "ai_gateway_ship_last_success_timestamp_seconds", .gauge,
      "When the target last accepted records.")
    for target in targets {
      guard let time = target.lastSuccessMs else { continue }
      sample([("target", target.target)], seconds: Double(time) / 1_000)
    }
    metric(
      "ai_gateway_ship_state", .gauge,
      "1 for the current state of the shipping to the target, 0 for the others.")
    for target in targets {
      for state in ShipStatistics.State.allCases {
        sample(
          [("target", target.target), ("state", state.rawValue)], target.state == state ? 1 : 0)
      }
    }
  }

  /// Writes the operating system's numbers about the process, under the names that all Prometheus client
  /// libraries use.
  mutating func process(_ status: ProcessStatus) {
    metric("process_cpu_seconds_total", .counter, "User and system CPU time that was used.")
    sample(seconds: status.cpuSeconds)
    metric("process_resident_memory_bytes", .gauge, "Resident memory.")
    sample(status.residentBytes)
    metric("process_virtual_memory_bytes", .gauge, "Virtual memory.")
    sample(status.virtualBytes)
    metric("process_open_fds", .gauge, "Open file descriptors.")
    sample(status.openFDs)
    metric("process_max_fds", .gauge, "File descriptors that may be open.")
    sample(status.maxFDs)
    metric("process_threads", .gauge, "Threads.")
    sample(status.threads)
    metric("process_start_time_seconds", .gauge, "When the process began, as Unix time.")
    sample(seconds: status.startSeconds)
  }
}
