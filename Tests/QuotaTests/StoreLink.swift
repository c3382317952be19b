import StoreModel

@testable import Quota

/// One replica's way to a store that answers at once and loses nothing.
final class StoreLink {
  /// Shared by all that share the limits.
  final class Server {
    var store = StoreModel()
    var run = 0
    var heard: [StatementCall] = []
  }

  let server: Server
  let ledger: String
  var start: Int64 = 0
  var alive: [Holder] = []
  var isCut = false
  let bootAheadMs: Int64 = -999_000_000_000

  init(_ server: Server = Server(), ledger: Int = 1) {
    self.server = server
    self.ledger = String(repeating: "0", count: 31) + String(ledger)
  }

  var holder: Holder { Holder(ledger: ledger, start: start) }
  func boot(_ now: Int64) -> Int64 { now + bootAheadMs }

  /// Answers all that is due.
  func pump(_ table: inout QuotaTable, at now: Int64) {
    guard !isCut else { return }
    for _ in 0..<20 {
      let calls = table.callsDue(bootMs: boot(now))
      if calls.isEmpty { return }
      for call in calls { table.answered(call.id, answer(call.call, at: now), bootMs: boot(now)) }
    }
  }

  func answer(_ call: StatementCall, at now: Int64) -> StatementCallAnswer {
    server.heard.append(call)
    do {
      return try server.store.state(
        call, by: holder, nonce: UInt32(start), runID: "run\(server.run)",
        alive: alive.isEmpty ? [holder] : alive, leaseMs: 10_000, storeMs: now)
    } catch {
      fatalError("the store takes \(call) for wrong: \(error)")
    }
  }
}
