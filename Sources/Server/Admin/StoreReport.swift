import Books
import Bytes
import Quota
import Terms

/// The member `store` of `/api/v1/status`: who is alive, what is leased, what is lost or opening, and
/// what happened. `null` without `--store`.
struct StoreReport {
  let status: StoreStatus?

  /// The most replicas that are listed.
  static let replicasMax = 1_000

  /// How the whole stands, in one word.
  private static func word(_ store: StoreStatus) -> String {
    if store.fencedBy != nil { return "fenced" }
    if store.fleet == nil { return "not_reached" }
    if store.count(.lost) > 0 {
      return store.count(.lost) == store.partitions.count ? "lost" : "partly_lost"
    }
    return store.count(.opening) > 0 ? "opening" : "open"
  }

  func add(to json: inout JSONWriter) {
    guard let store = status else { return json.null("store") }
    json.object("store") { json in
      json.field("state", Self.word(store))
      json.field("address", store.address)
      json.field("replica", store.replica)
      json.field("ledger_id", store.holder.ledger)
      json.field("start_number", store.holder.start)
      json.field("fenced_by", store.fencedBy)
      json.field("refusal", store.refusal)
      json.field("problem", store.problem)
      json.field("warnings", store.warnings)
      Self.fleet(store, &json)
      Self.partitions(store, &json)
      Self.counts(store, &json)
      json.array("events") { json in
        for note in store.notes { Self.add(note, store.fleet, to: &json) }
      }
    }
  }

  private static func fleet(_ store: StoreStatus, _ json: inout JSONWriter) {
    json.field("replicas_alive", store.fleet?.count)
    json.array("replicas") { json in
      for replica in (store.fleet?.replicas ?? []).prefix(replicasMax) {
        json.object { json in
          json.field("name", replica.name)
          json.field("ledger_id", replica.holder.ledger)
          json.field("start_number", replica.holder.start)
          json.field("revision", replica.revision)
          json.field("alive_since", timeMs: replica.sinceMs)
          json.field("is_this", replica.holder == store.holder)
        }
      }
    }
  }

  private static func partitions(_ store: StoreStatus, _ json: inout JSONWriter) {
    json.object("partitions") { json in
      for state in StoreStatus.State.allCases {
        json.field(any: state.rawValue, Int64(store.count(state)))
      }
    }
    json.object("leased") { json in
      for state in StoreStatus.State.allCases {
        json.name(any: state.rawValue)
        json.array { add(store.leased(state), to: &$0) }
      }
    }
    json.array("leased_counters") { json in
      for one in store.leasedCounters {
        json.object { json in
          json.field("counter", one.counter)
          json.field("partition", one.partition)
          add(one.amount, one.kind, to: &json)
        }
      }
    }
    json.array("not_open") { json in
      for partition in store.partitions where partition.state != .open {
        json.object { json in
          json.field("partition", partition.number)
          json.field("state", partition.state.rawValue)
          json.field("since", timeMs: partition.sinceMs)
          json.array("leased") { add(partition.leased, to: &$0) }
          guard let opening = partition.opening else { return }
          json.field("stated", opening.claimed)
          json.field("expected", opening.expected)
          json.field("is_stated", opening.isClaimed)
        }
      }
    }
  }

  /// One object for each kind that has an amount; dollars as exact decimals.
  private static func add(_ amounts: StoreAmounts, to json: inout JSONWriter) {
    for kind in LimitKind.allCases where amounts[kind] != 0 {
      json.object { add(amounts[kind], kind, to: &$0) }
    }
  }

  private static func add(_ amount: Int64, _ kind: LimitKind, to json: inout JSONWriter) {
    json.field("kind", kind.rawValue)
    if kind == .usd {
      json.field("amount", Dollars.text(amount))
    } else {
      json.field("amount", amount)
    }
  }

  private static func counts(_ store: StoreStatus, _ json: inout JSONWriter) {
    json.field("waiting", store.waiting)
    json.field("calls", store.calls)
    json.field("statements", store.statements)
    json.field("from_slices", store.fromSlices)
    json.field("asked", store.asked)
    json.field("from_refusals", store.refusedByWord)
    json.field("unanswered", store.unanswered)
    json.field("reconnects", store.reconnects)
    json.object("failures") { json in
      for (word, count) in store.boundedFailures { json.field(any: word, Int64(count)) }
    }
  }

  private static func add(_ note: StoreNote, _ fleet: FleetView?, to json: inout JSONWriter) {
    json.object { json in
      json.field("event", note.word)
      json.field("time", timeMs: note.timeMs)
      json.field("partitions", note.partitions.count)
      json.field("replicas", note.replicas.map(Int64.init))
      switch note.kind {
      case .joined, .lost, .returned: break
      case .fenced(let start): json.field("by", start)
      case .opened(let opened):
        json.field("is_first", opened.isFirst)
        json.field("stated", opened.stated.map { name($0, fleet) })
        json.field("missing", opened.missing.map { name($0, fleet) })
        guard let bound = opened.bound else { return json.null("bound") }
        json.array("bound") { add(bound, to: &$0) }
      }
    }
  }

  /// A replica's name where it is alive, else its ledger's id.
  private static func name(_ holder: Holder, _ fleet: FleetView?) -> String {
    fleet?.replicas.first { $0.holder.ledger == holder.ledger }?.name ?? holder.ledger
  }
}
