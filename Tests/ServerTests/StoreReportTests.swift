import Books
import Bytes
import Foundation
import Ledger
import Log
import Quota
import Terms
import Testing

@testable import Server

/// What `/api/v1/status`, `/readyz` and the log say of the store.
struct StoreReportTests {
  private func report(_ status: StoreStatus?) throws -> [String: Any]? {
    var json = JSONWriter()
    json.object { StoreReport(status: status).add(to: &$0) }
    let whole = try #require(
      try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
    return whole["store"] as? [String: Any]
  }

  @Test func `without a store it is null`() throws {
    #expect(try report(nil) == nil)
  }

  @Test func `replicas, leases, partitions that are not open, and events are told`() throws {
    let store = try #require(try report(StoreSample.status))
    #expect(store["state"] as? String == "partly_lost")
    let replicas = try #require(store["replicas"] as? [[String: Any]])
    #expect(replicas.map { $0["name"] as? String } == ["one", "two"])
    #expect(replicas.map { $0["is_this"] as? Bool } == [true, false])
    #expect(replicas.map { $0["revision"] as? String } == ["r1", "r2"])
    let leased = try #require(store["leased"] as? [String: [[String: Any]]])
    #expect(leased["open"]?.map { $0["kind"] as? String } == ["tokens", "usd"])
    #expect(leased["open"]?.last?["amount"] as? String == "2.5")
    #expect(leased["opening"]?.isEmpty == true)
    let counters = try #require(store["leased_counters"] as? [[String: Any]])
    #expect(counters.map { $0["counter"] as? String } == ["global/month"])
    #expect(counters[0]["partition"] as? Int == 1 && counters[0]["amount"] as? String == "2.5")
    let closed = try #require(store["not_open"] as? [[String: Any]])
    #expect(closed.map { $0["partition"] as? Int } == [7, 9])
    #expect(closed[1]["stated"] as? Int == 1 && closed[1]["expected"] as? Int == 2)
    #expect(closed[1]["is_stated"] as? Bool == true)
    let events = try #require(store["events"] as? [[String: Any]])
    #expect(events.map { $0["event"] as? String } == ["returned", "opened", "lost", "joined"])
    let opened = events[1]
    #expect(opened["stated"] as? [String] == ["one", "two"])
    #expect(opened["is_first"] as? Bool == false)
    // Whoever is gone has no name any more.
    #expect(opened["missing"] as? [String] == [StoreSample.gone.ledger])
    let bound = try #require((opened["bound"] as? [[String: Any]])?.first)
    #expect(bound["kind"] as? String == "usd" && bound["amount"] as? String == "0.04")
  }

  @Test func `the state is the worst that matters`() throws {
    var status = StoreSample.status
    func word() throws -> String? { try report(status)?["state"] as? String }
    status.partitions.removeAll { $0.state == .lost }
    #expect(try word() == "opening")
    status.partitions.removeAll { $0.state == .opening }
    #expect(try word() == "open")
    status.partitions = [.init(number: 1, state: .lost, sinceMs: 0)]
    #expect(try word() == "lost")
    status.fleet = nil
    #expect(try word() == "not_reached")
    status.fencedBy = 4
    #expect(try word() == "fenced")
  }

  @Test func `readiness waits for the store once, and never comes back to a fenced process`() {
    func reasons(_ change: (inout StoreStatus) -> Void) -> [String] {
      var status = StoreSample.status
      change(&status)
      return ServingState.Values.reasons(
        isDraining: false, isStarted: true, hasPolicy: true, ledger: .writable, store: status)
    }
    // Partitions are lost, and that is no reason.
    #expect(reasons { _ in } == [])
    #expect(reasons { $0.holdsReadiness = true }.first?.contains("not answered yet") == true)
    let refused = reasons {
      $0.holdsReadiness = true
      $0.problem = "WRONGPASS"
    }
    #expect(refused == ["the store cannot be used: WRONGPASS"])
    let told = reasons {
      $0.holdsReadiness = true
      $0.refusal = "NOAUTH"
      $0.problem = "no answer"
    }
    #expect(told == ["the store cannot be used: NOAUTH"])
    #expect(reasons { $0.fencedBy = 9 }.first?.contains("start 9") == true)
  }

  @Test func `each event is a line, with its level`() {
    let lines = LogCapture()
    let log = Logger(level: .info, format: .text, write: lines.append)
    for note in StoreSample.status.notes.reversed() { log.store(note, address: "redis://h:1") }
    log.store(StoreNote(.fenced(by: 9), timeMs: 0), address: "redis://h:1")
    let first = StoreNote.Opened(stated: [], missing: [], bound: StoreAmounts(), isFirst: true)
    log.store(StoreNote(.opened(first), timeMs: 0, partitions: [1]), address: "redis://h:1")
    log.storeCredentialsRefused("WRONGPASS", address: "redis://h:1")
    log.storeUnfit("maxmemory-policy is allkeys-lru", isRefused: true, address: "redis://h:1")
    log.flush()
    let words = lines.all
    #expect(words.count == 8, "\(words)")
    for (line, parts) in zip(
      words,
      [
        ["info", "limits are shared by 2 replicas"], ["warning", "1 partition any more"],
        ["warning", "1 replica did not state"], ["info", "2 partitions again"],
        ["error", "start 9", "start_number=9"],
        ["info", "1 partition for the first time"], ["error", "WRONGPASS"],
        ["error", "allkeys-lru"],
      ])
    {
      #expect(parts.allSatisfy { line.contains($0) }, "\(line)")
    }
  }
}
