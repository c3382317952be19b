import Ledger
import StoreModel
import Testing

@testable import Books
@testable import Quota

/// Books that share their limits through a store, which is a model here.
@Suite(.timeLimit(.minutes(1))) struct StoreTests {
  /// A store, and the books of replicas that ask it.
  private final class Fleet {
    var model = StoreModel()
    var replicas: [TestBooks] = []

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
      if case .alive(let view)? = model.presence(
        of: holder, nonce: 1, name: "r", revision: "p", isStarting: true, leaseMs: 10_000,
        storeMs: replica.nowMs)
      {
        replica.books.fleet(view)
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

  private func isAdmitted(_ answer: Books.Answer) -> Bool {
    if case .admitted = answer { true } else { false }
  }

  private func verdict(_ answer: Books.Answer) -> QuotaRefusal.Verdict? {
    if case .refused(let refusal) = answer { refusal.verdict } else { nil }
  }

  @Test func `two replicas together admit what the limit has, and no more`() throws {
    let fleet = try Fleet(2)
    var open: [(TestBooks, OpenAdmission)] = []
    // Two at once by `parallel`, whoever asks.
    for (number, replica) in [fleet.replicas[0], fleet.replicas[1]].enumerated() {
      let answer = try fleet.admit(replica, "r\(number)")
      guard case .admitted(let admission, _) = answer else {
        Issue.record("not admitted: \(answer)")
        continue
      }
      open.append((replica, admission))
    }
    #expect(open.count == 2)
    fleet.settle()
    for replica in fleet.replicas {
      #expect(verdict(try fleet.admit(replica, "x")) != nil)
    }
    for (replica, admission) in open {
      #expect(replica.books.settle(admission, as: .answeredHere) != nil)
    }
    try fleet.close()
  }

  @Test func `nothing is reserved or on record while the store is asked`() throws {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    let wakes = books.wakes
    guard case .asks(let ticket) = try books.admit("r") else {
      Issue.record("it does not ask")
      return
    }
    #expect(books.wakes == wakes + 1)
    #expect(books.books.state.open.isEmpty)
    #expect(books.storeTold.isEmpty)
    fleet.serve(books)
    #expect(books.storeTold == [ticket.id])
    let answer = books.books.admit(again: ticket)
    #expect(isAdmitted(answer))
    #expect(books.books.state.open.count == 1)
    try fleet.close()
  }

  @Test func `whose time is over is told, and decided as while the store is lost`() throws {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    guard case .asks(let ticket) = try books.admit("r") else {
      Issue.record("it does not ask")
      return
    }
    books.advance(ms: 49)
    books.books.storeTick()
    #expect(books.storeTold.isEmpty)
    books.advance(ms: 1)
    books.books.storeTick()
    #expect(books.storeTold == [ticket.id])
    #expect(verdict(books.books.admit(again: ticket)) == .storeUnavailable)
    #expect(books.books.state.open.isEmpty)
    try fleet.close()
  }

  @Test func `a timer tells, too, where the store's thread hangs`() throws {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    guard case .asks(let ticket) = try books.admit("r") else {
      Issue.record("it does not ask")
      return
    }
    books.advance(ms: 1_000)
    books.books.tick()
    #expect(books.storeTold == [ticket.id])
    books.books.withdraw(ticket)
    try fleet.close()
  }

  @Test func `who is withdrawn is not told and holds nothing`() throws {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    guard case .asks(let ticket) = try books.admit("r") else {
      Issue.record("it does not ask")
      return
    }
    books.books.withdraw(ticket)
    books.books.withdraw(ticket)
    fleet.settle()
    books.advance(ms: 100)
    books.books.storeTick()
    #expect(books.storeTold.isEmpty)
    var status = StoreStatus(address: "a", replica: "r", holder: books.books.holder!)
    books.books.fill(&status)
    #expect(status.waiting == 0)
    #expect(isAdmitted(try fleet.admit(books, "s")))
    try fleet.close()
  }

  @Test func `of those that wait at once, one more than the most is refused as overloaded`() throws
  {
    var door = StoreDoor(Holder(ledger: "a", start: 1), timeoutMs: 50, bootMs: 0)
    let demand = Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
    var taken = 0
    for id in 0..<StoreDoor.waitingMax
    where door.wait(for: QuotaAsk(id: UInt64(id), demand: demand), bootMs: 0) {
      taken += 1
    }
    #expect(taken == 4_096)
    let last = QuotaAsk(id: 1 << 20, demand: demand)
    let isTaken = door.wait(for: last, bootMs: 0)
    #expect(!isTaken)
    door.forget(QuotaAsk(id: 7, demand: demand))
    let isTakenLater = door.wait(for: last, bootMs: 1)
    #expect(isTakenLater)
    let over = door.takeOver(bootMs: 50, isAnswered: { _ in false })
    #expect(over.count == 4_095)
    let rest = door.takeOver(bootMs: 51, isAnswered: { _ in false })
    #expect(rest == [1 << 20])
  }

  @Test func `a fenced replica refuses everything shared, says so on record, and stays so`() throws
  {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    let holder = try #require(books.books.holder)
    guard case .asks(let ticket) = try books.admit("r") else {
      Issue.record("it does not ask")
      return
    }
    books.books.fenced(by: 9)
    books.books.fenced(by: 9)
    #expect(books.storeTold == [ticket.id])
    #expect(verdict(books.books.admit(again: ticket)) == .storeUnavailable)
    #expect(verdict(try books.admit("s")) == .storeUnavailable)
    #expect(books.books.statementsDue().calls.isEmpty)
    try fleet.close()
    let events = try books.records().compactMap { body -> StoreEvent? in
      if case .store(let event) = body { event } else { nil }
    }
    #expect(events.map(\.kind) == [.joined, .opened, .fenced])
    #expect(events.last?.by == [LedgerIdentity(id: holder.ledger, start: 9)])
  }

  @Test func `loss and return of partitions are one record each, once a second`() throws {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    for partition in 0..<64 { books.books.store(partition: partition, isLost: true) }
    books.books.tick()
    // It can be asked again, and is back when it has answered.
    books.books.store(partition: 3, isLost: false)
    books.books.tick()
    #expect(books.books.takeStoreNotes().map(\.partitions.count) == [0, 64, 64])
    _ = fleet.serve(books)
    books.books.store(partition: 3, isLost: true)
    books.books.tick()
    #expect(books.books.takeStoreNotes().map(\.partitions.count) == [1, 1])
    #expect(books.books.takeStoreNotes().isEmpty)
    #expect(verdict(try books.admit("r")) == .storeUnavailable)
    try fleet.close()
  }

  @Test func `readiness waits for the first contact, for a minute at most, and then no more`() {
    var door = StoreDoor(Holder(ledger: "a", start: 1), timeoutMs: 50, bootMs: 5)
    let opening = PartitionState.opening(isClaimed: false, claimed: 0, expected: 1, sinceMs: 0)
    let before = door.holdsReadiness(bootMs: 5)
    door.joined(bootMs: 6, timeMs: 6)
    door.partition(1, is: opening, timeMs: 6)
    let whileOpening = door.holdsReadiness(bootMs: 60_004)
    #expect(before && whileOpening)
    var late = door
    let afterAMinute = late.holdsReadiness(bootMs: 60_005)
    for partition in 0..<63 { door.partition(partition, is: .open, timeMs: 7) }
    let lacksOne = door.holdsReadiness(bootMs: 8)
    door.partition(63, is: .open, timeMs: 8)
    let open = door.holdsReadiness(bootMs: 8)
    door.lost(1)
    door.partition(2, is: opening, timeMs: 9)
    let later = door.holdsReadiness(bootMs: 10)
    #expect(lacksOne && !afterAMinute && !open && !later)
  }

  @Test func `a start after a crash states what its ledger says`() throws {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    guard case .admitted(let open, _) = try fleet.admit(books, "r") else {
      Issue.record("not admitted")
      return
    }
    books.waitUntilDurable(open)
    let holder = try #require(books.books.holder)
    try fleet.close()
    fleet.replicas = []
    try fleet.add(books.files, afterMs: books.nowMs - TestBooks.startMs + 20_000)
    let next = fleet.replicas[0]
    #expect(next.books.holder == Holder(ledger: holder.ledger, start: holder.start + 1))
    fleet.settle()
    let used = try #require(next.counter("tenant/a/tpd")?["used"])
    let budgets = fleet.model.partitions.values.flatMap(\.counters.values).filter {
      $0.settled > 0
    }
    #expect(budgets.contains { $0.settled == used && $0.sum == used })
    try fleet.close()
  }

  @Test func `what is unspent goes back before the process ends`() throws {
    let fleet = try Fleet(1)
    let books = fleet.replicas[0]
    for number in 0..<2 {
      guard case .admitted(let open, _) = try fleet.admit(books, "r\(number)") else { continue }
      _ = books.books.settle(open, as: .answeredHere)
      books.advance(ms: 100)
    }
    books.books.giveBack()
    fleet.settle()
    books.advance(ms: 1_000)
    fleet.settle()
    for partition in fleet.model.partitions.values {
      for counter in partition.counters.values {
        for share in counter.holders.values { #expect(share.unspent == 0, "\(counter)") }
      }
    }
    try fleet.close()
  }
}
