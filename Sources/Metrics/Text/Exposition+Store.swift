import Books
import Quota
import Terms

extension Exposition {
  /// Writes how it stands with the store in which replicas share their limits.
  mutating func store(_ store: StoreStatus, calls: Histogram) {
    metric("ai_gateway_store_joined", .gauge, "1 when the store has answered since the start.")
    sample(store.fleet != nil)
    metric(
      "ai_gateway_store_fenced", .gauge,
      "1 when another process goes on with this one's ledger: all that is shared is refused.")
    sample(store.fencedBy != nil)
    metric(
      "ai_gateway_store_partitions", .gauge,
      "Partitions of the store that this replica has counters in, by state.")
    for state in StoreStatus.State.allCases {
      sample([("state", state.rawValue)], UInt64(store.count(state)))
    }
    storeLeases(store)
    storeFleet(store)
    storeDecisions(store)
    metric("ai_gateway_store_calls_total", .counter, "Calls with statements to the store.")
    sample(store.calls)
    metric("ai_gateway_store_statements_total", .counter, "Statements in these calls.")
    sample(store.statements)
    metric(
      "ai_gateway_store_unanswered_calls_total", .counter,
      "Calls that were not answered in time, or whose connection was lost.")
    sample(store.unanswered)
    secondsHistogram(
      "ai_gateway_store_call_duration_seconds", "Time until the store has answered a call.", calls)
    metric(
      "ai_gateway_store_reconnects_total", .counter,
      "Connections that were made again after a loss."
    )
    sample(store.reconnects)
    metric(
      "ai_gateway_store_failures_total", .counter,
      "Errors that the store answered, by their first word.")
    for (word, count) in store.boundedFailures {
      sample([("word", word)], UInt64(max(0, count)))
    }
    metric(
      "ai_gateway_store_warnings", .gauge,
      "Things that are wrong with how the store is set up; the page and the log name them.")
    sample(store.warnings.count)
  }

  private mutating func storeLeases(_ store: StoreStatus) {
    metric(
      "ai_gateway_store_leased", .gauge,
      "What this replica has leased and not spent, in the unit of the limits' kind.")
    for state in StoreStatus.State.allCases {
      let leased = store.leased(state)
      for kind in LimitKind.allCases {
        var labels = LabelText("kind", kind.rawValue)
        labels.add("state", state.rawValue)
        sample(
          text: labels.bytes[...], UInt64(max(0, leased[kind])),
          per: kind == .usd ? 1_000_000_000 : 1)
      }
    }
  }

  private mutating func storeFleet(_ store: StoreStatus) {
    metric(
      "ai_gateway_store_replicas", .gauge,
      "Replicas that are alive, as this one knows it; 0 before the store has answered.")
    sample(store.fleet?.count ?? 0)
    metric(
      "ai_gateway_store_policy_revisions", .gauge,
      "Revisions of the policy that these replicas work by.")
    sample(store.revisions.count)
  }

  private mutating func storeDecisions(_ store: StoreStatus) {
    metric(
      "ai_gateway_store_decisions_total", .counter,
      "Requests under shared limits by what decided them: slices and kept refusals ask nobody.")
    sample([("from", "slices")], UInt64(max(0, store.fromSlices)))
    sample([("from", "store")], UInt64(max(0, store.asked)))
    sample([("from", "refusal")], UInt64(max(0, store.refusedByWord)))
    metric("ai_gateway_store_waiting_requests", .gauge, "Requests that wait for the store now.")
    sample(store.waiting)
  }
}
