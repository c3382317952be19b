import Ledger
import StoreModel
import Terms
import Testing

@testable import Books
@testable import Quota

/// Books that share their limits through a store, which is a model here.
@Suite(.timeLimit(.minutes(1))) struct StoreTests {
  private func isAdmitted(_ answer: Books.Answer) -> Bool {
    if case .admitted = answer { true } else { false }
  }

  private func verdict(_ answer: Books.Answer) -> QuotaRefusal.Verdict? {
    if case .refused(let refusal) = answer { refusal.verdict } else { nil }
  }

  @Test func `two replicas together admit what the limit has, and no more`() throws {
    let fleet = try StoreFleet(2)
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
    let fleet = try StoreFleet(1)
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
    let fleet = try StoreFleet(1)
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
    let fleet = try StoreFleet(1)
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
    let fleet = try StoreFleet(1)
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
    let fleet = try StoreFleet(1)
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
    let fleet = try StoreFleet(1)
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

  private static func answer(
    _ state: PartitionState = .open, storeMs: Int64 = 0, openingMs: Int64 = 0
  ) -> StatementCallAnswer {
    StatementCallAnswer(storeMs: storeMs, state: state, openingMs: openingMs, answers: [])
  }

  private static let opening = answer(
    .opening(isClaimed: false, claimed: 0, expected: 1, sinceMs: 0))

  @Test func `readiness waits for the first contact, for a minute at most, and then no more`() {
    var door = StoreDoor(Holder(ledger: "a", start: 1), timeoutMs: 50, bootMs: 5)
    let before = door.holdsReadiness(bootMs: 5, isRefused: false)
    door.joined(bootMs: 6, timeMs: 6)
    door.partition(1, answers: Self.opening, timeMs: 6)
    let whileOpening = door.holdsReadiness(bootMs: 60_004, isRefused: false)
    #expect(before && whileOpening)
    var late = door
    let afterAMinute = late.holdsReadiness(bootMs: 60_005, isRefused: false)
    for partition in 0..<63 { door.partition(partition, answers: Self.answer(), timeMs: 7) }
    let lacksOne = door.holdsReadiness(bootMs: 8, isRefused: false)
    door.partition(63, answers: Self.answer(), timeMs: 8)
    let open = door.holdsReadiness(bootMs: 8, isRefused: false)
    door.lost(1)
    door.partition(2, answers: Self.opening, timeMs: 9)
    let later = door.holdsReadiness(bootMs: 10, isRefused: true)
    #expect(lacksOne && !afterAMinute && !open && !later)
  }

  @Test func `a store that refuses the process is no reason to become ready, however long it does`()
  {
    var door = StoreDoor(Holder(ledger: "a", start: 1), timeoutMs: 50, bootMs: 0)
    let afterAMinute = door.holdsReadiness(bootMs: 60_000, isRefused: true)
    let afterADay = door.holdsReadiness(bootMs: 86_400_000, isRefused: true)
    #expect(afterAMinute && afterADay)
    var mended = door
    for partition in 0..<64 { mended.partition(partition, answers: Self.answer(), timeMs: 7) }
    let isMended = !mended.holdsReadiness(bootMs: 86_400_001, isRefused: false)
    // It has gone away: that may be mended without this process.
    let isGone = !door.holdsReadiness(bootMs: 86_400_001, isRefused: false)
    #expect(isMended && isGone)
  }

  /// The records of the store in that replica's ledger.
  private func events(_ books: TestBooks) throws -> [StoreEvent] {
    try books.records().compactMap { body in
      if case .store(let event) = body { event } else { nil }
    }
  }

  @Test func `a new store is opened, and has lost nothing`() throws {
    let fleet = try StoreFleet(2)
    try fleet.close()
    for books in fleet.replicas {
      let opened = try events(books).filter { $0.kind == .opened }
      #expect(opened.count == 1 && opened.first?.isFirst == true, "\(opened)")
      #expect(opened.first?.partitions.count == 64)
      #expect(opened.first?.missing == [] && opened.first?.bound?.isZero == true)
    }
  }

  @Test func `a store that lost what it had is not new, also to a process that is`() throws {
    let fleet = try StoreFleet(1)
    let first = fleet.replicas[0]
    _ = try fleet.admit(first, "r")
    // Where one replica lives, its word opens the store at once.
    fleet.model.wipe()
    for _ in 0..<12 {
      first.advance(ms: 1_000)
      fleet.settle()
    }
    try fleet.close()
    let kinds = try events(first).filter { $0.kind == .opened }.map(\.isFirst)
    #expect(kinds.first == true && kinds.count > 1 && kinds.dropFirst().allSatisfy { !$0 })
    fleet.model.wipe()
    fleet.replicas = []
    try fleet.add(first.files, afterMs: first.nowMs - TestBooks.startMs + 1_000)
    let next = fleet.replicas[0]
    for _ in 0..<12 {
      next.advance(ms: 1_000)
      fleet.settle()
    }
    try fleet.close()
    #expect(try events(next).last { $0.kind == .opened }?.isFirst == false)
  }

  @Test
  func `what limits may be exceeded by is what was left when somebody that is gone was there`()
    throws
  {
    let fleet = try StoreFleet(2)
    let (stays, goes) = (fleet.replicas[0], fleet.replicas[1])
    let left = try #require(goes.books.holder).ledger
    for (books, id) in [(goes, "r"), (stays, "s")] {
      guard case .admitted(let open, _) = try fleet.admit(books, id) else {
        Issue.record("not admitted")
        return
      }
      books.waitUntilDurable(open)
      #expect(books.books.settle(open, as: .answeredHere) != nil)
    }
    fleet.settle()
    fleet.replicas.removeLast()
    fleet.model.wipe()
    var status = StoreStatus(address: "a", replica: "r", holder: stays.books.holder!)
    for _ in 0..<14 {
      stays.advance(ms: 1_000)
      fleet.settle()
      stays.books.fill(&status)
      if let opening = status.partitions.compactMap(\.opening).first {
        #expect(opening.expected == 2 && opening.claimed == 1 && opening.isClaimed)
      }
    }
    fleet.replicas = [stays, goes]
    try fleet.close()
    let opened = try events(stays).filter { $0.kind == .opened && !$0.isFirst }
    #expect(opened.flatMap(\.missing).map(\.id) == [left])
    var bound = StoreAmounts()
    for event in opened { event.bound.map { bound.add($0) } }
    // Of three requests a day none may be left, and never more than the limit.
    #expect((0...3).contains(bound[.requests]) && !bound.isZero, "\(bound)")
    #expect(bound[.tokens] <= 1_000 && bound[.usd] <= 1_000_000_000)
  }

  @Test func `a start after a crash states what its ledger says`() throws {
    let fleet = try StoreFleet(1)
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
    let fleet = try StoreFleet(1)
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
