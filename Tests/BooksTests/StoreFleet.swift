import StoreModel
import Testing

@testable import Books
@testable import Quota

/// A store, and the books of replicas that ask it.
final class StoreFleet {
  var model = StoreModel()
  var replicas: [TestBooks] = []
  private var mirrors: [Holder: FleetMirror] = [:]

  init(_ count: Int, policy: String = TestBooks.policy, timeoutMs: Int64 = 50) throws {
    for _ in 0..<count { try add(GatedFiles(), policy: policy, timeoutMs: timeoutMs) }
    // The first start on an empty store waits for the lease's time.
    settle()
    for _ in 0..<11 {
      for replica in replicas { replica.advance(ms: 1_000) }
      settle()
    }
  }

  func add(
    _ files: GatedFiles, policy: String = TestBooks.policy, timeoutMs: Int64 = 50,
    afterMs: Int64 = 0
  ) throws {
    let books = try TestBooks(files, policy: policy, afterMs: afterMs)
    books.share(timeoutMs: timeoutMs)
    replicas.append(books)
  }

  /// One round of a replica's thread; the number of calls.
  @discardableResult
  func serve(_ replica: TestBooks) -> Int {
    let holder = replica.books.holder!
    if case .alive(let changes)? = model.presence(
      of: holder, nonce: 1, name: "r", revision: "p", isStarting: true, leaseMs: 10_000,
      storeMs: replica.nowMs, told: mirrors[holder, default: FleetMirror()].told)
    {
      replica.books.fleet(mirrors[holder, default: FleetMirror()].take(changes))
    }
    let calls = replica.books.statementsDue().calls
    for call in calls {
      let answer = try? model.state(
        call.call, by: holder, nonce: 1, runID: "run", alive: replica.books.living(),
        leaseMs: 10_000, storeMs: replica.nowMs)
      #expect(answer != nil)
      if let answer { replica.books.storeAnswered(call.id, answer) }
    }
    return calls.count
  }

  func settle() {
    for _ in 0..<4 { for replica in replicas { serve(replica) } }
  }

  /// Admits by the store where it must be asked.
  func admit(_ replica: TestBooks, _ id: String) throws -> Books.Answer {
    let answer = try replica.admit(id)
    guard case .asks(let ticket) = answer else { return answer }
    for _ in 0..<4 where !replica.storeTold.contains(ticket.id) { serve(replica) }
    #expect(replica.storeTold.contains(ticket.id))
    return replica.books.admit(again: ticket)
  }

  func close() throws {
    for replica in replicas { #expect(replica.close()) }
  }
}
