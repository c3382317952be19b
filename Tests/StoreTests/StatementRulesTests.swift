import Quota
import Redis
import StoreModel
import Testing

@testable import Store

/// The rules of statements, each with numbers worked out by hand, on the scripts and the model alike.
@Suite(
  "Rules of statements",
  .enabled(if: TestServer.program != nil, Comment(rawValue: TestServer.missing)))
struct StatementRulesTests {
  static let a = Holder(ledger: String(repeating: "a", count: 32), start: 1)
  static let b = Holder(ledger: String(repeating: "b", count: 32), start: 1)
  static let c = Holder(ledger: String(repeating: "c", count: 32), start: 1)
  static let key = SharedKey(partition: 3, id: String(repeating: "1", count: 32))
  static let other = SharedKey(partition: 3, id: String(repeating: "2", count: 32))
  static let day: Int64 = 86_400_000
  static let noon: Int64 = 20_000 * day + day / 2

  /// A pair whose partition is open, at noon.
  private func open(_ server: TestServer) throws -> StorePair {
    let pair = try StorePair(server, nowMs: Self.noon)
    let call = StatementCall(partition: 3, statements: [], isWhole: true)
    let answer = try pair.state(call, by: Self.a, alive: [Self.a])
    #expect(answer?.state == .open)
    return pair
  }

  private func budget(
    _ number: Int64, hold: Int64, settled: Int64 = 0, need: Int64 = 0, want: Int64? = nil,
    amount: Int64 = 100, seen: Int64? = nil, day: Int64 = 20_000, key: SharedKey = key
  ) -> Statement {
    Statement(
      key: key,
      shape: .budget(start: day * Self.day, end: (day + 1) * Self.day, settled: settled),
      amount: amount, number: number, hold: hold, unspent: 0, need: need, want: want ?? need,
      seen: seen.map { Statement.Seen(sum: $0, atMs: Self.noon) })
  }

  private func bucket(
    _ number: Int64, hold: Int64, unspent: Int64 = 0, need: Int64 = 0, want: Int64? = nil,
    amount: Int64 = 60, seen: Statement.Seen? = .init(sum: 0, atMs: noon)
  ) -> Statement {
    Statement(
      key: Self.key, shape: .bucket(capacity: 60, periodMilliseconds: 60_000), amount: amount,
      number: number, hold: hold, unspent: unspent, need: need, want: want ?? need, seen: seen)
  }

  private func slots(
    _ number: Int64, hold: Int64, unspent: Int64 = 0, need: Int64 = 0, amount: Int64 = 10
  ) -> Statement {
    Statement(
      key: Self.key, shape: .slots, amount: amount, number: number, hold: hold, unspent: unspent,
      need: need, want: need)
  }

  private func state(
    _ pair: StorePair, _ statements: Statement..., by holder: Holder = a, nonce: UInt32 = 1,
    isWhole: Bool = false, alive: [Holder] = []
  ) throws -> StatementCallAnswer {
    let call = StatementCall(partition: 3, statements: statements, isWhole: isWhole)
    return try #require(
      try pair.state(call, by: holder, nonce: nonce, alive: alive))
  }

  @Test("a budget gives what is needed, and of what is liked a part that leaves others theirs")
  func budgetGrants() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    var answer = try state(pair, budget(1, hold: 0, need: 10, want: 80)).answers[0]
    // One holder: half of the 100 that are left.
    #expect(answer.outcome == .granted(50) && answer.sum == 50 && answer.holders == 1)
    answer = try state(pair, budget(1, hold: 0, need: 20, want: 80), by: Self.b).answers[0]
    // Two holders: a quarter of 50 is less than the need.
    #expect(answer.outcome == .granted(20) && answer.sum == 70 && answer.holders == 2)
    answer = try state(pair, budget(2, hold: 20, need: 31), by: Self.b).answers[0]
    #expect(answer.outcome == .short(waitMilliseconds: 0) && answer.isShort)
    // While it is short, nothing beyond the need.
    answer = try state(pair, budget(2, hold: 50, need: 1, want: 9)).answers[0]
    #expect(answer.outcome == .granted(1) && answer.sum == 71 && answer.isShort)
    pair.nowMs += 1_000
    answer = try state(pair, budget(3, hold: 51, want: 9)).answers[0]
    #expect(answer.outcome == .granted(7) && !answer.isShort)
  }

  @Test("a statement that is said again, late or by an earlier start changes nothing")
  func numbers() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, budget(5, hold: 30))
    #expect(try state(pair, budget(5, hold: 90)).answers[0].outcome == .stale)
    #expect(try state(pair, budget(4, hold: 90)).answers[0].outcome == .stale)
    let next = Holder(ledger: Self.a.ledger, start: 2)
    var answer = try state(pair, budget(1, hold: 40), by: next).answers[0]
    #expect(answer.outcome == .granted(0) && answer.sum == 40)
    answer = try state(pair, budget(6, hold: 90)).answers[0]
    #expect(answer.outcome == .fenced(start: 2) && answer.sum == 40)
    answer = try state(pair, budget(2, hold: 90), by: next, nonce: 2).answers[0]
    #expect(answer.outcome == .fenced(start: 2) && answer.sum == 40)
  }

  @Test("a grant whose answer was lost is taken back by the next statement")
  func lostAnswer() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, budget(1, hold: 0, need: 70))
    let answer = try state(pair, budget(2, hold: 0)).answers[0]
    #expect(answer.sum == 0)
  }

  @Test("what is leased of a budget stays used, however long its holder is silent")
  func budgetStays() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, budget(1, hold: 0, need: 70), by: Self.b)
    pair.nowMs += 11 * 3_600_000
    #expect(
      try state(pair, budget(1, hold: 0, need: 31)).answers[0].outcome
        == .short(waitMilliseconds: 0))
  }

  @Test("the larger settled stands, and passing a threshold is told to one only")
  func settled() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, budget(1, hold: 50, settled: 40))
    var answer = try state(pair, budget(1, hold: 20, settled: 20), by: Self.b).answers[0]
    #expect(answer.settledBefore == 40 && answer.settled == 60)
    answer = try state(pair, budget(2, hold: 20, settled: 20), by: Self.b).answers[0]
    #expect(answer.settledBefore == 60 && answer.settled == 60)
    // An old copy of a's ledger: 30 settled, and 5 reserved. What that process used after its last word
    // is not known, so that the 10 that it still held stay used.
    let copy = Holder(ledger: Self.a.ledger, start: 2)
    answer = try state(pair, budget(1, hold: 35, settled: 30), by: copy).answers[0]
    #expect(answer.ownSettled == 50 && answer.settled == 70 && answer.sum == 75)
  }

  @Test("a window runs to its end, whoever names others, and the next begins by the store's clock")
  func windows() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, budget(1, hold: 50))
    var answer = try state(pair, budget(1, hold: 20, day: 20_001), by: Self.b).answers[0]
    #expect(answer.outcome == .otherWindow && answer.window.start == 20_000 * Self.day)
    pair.nowMs += Self.day / 2 - 1
    answer = try state(pair, budget(2, hold: 60)).answers[0]
    #expect(answer.sum == 60)
    pair.nowMs += 1
    answer = try state(pair, budget(3, hold: 70)).answers[0]
    #expect(answer.outcome == .otherWindow)
    answer = try state(pair, budget(1, hold: 20, day: 20_001), by: Self.b).answers[0]
    #expect(answer.outcome == .granted(0) && answer.sum == 20 && answer.holders == 1)
    // The clock is set back over the end: the window that has begun stays.
    pair.nowMs -= 5_000
    answer = try state(pair, budget(4, hold: 70)).answers[0]
    #expect(answer.outcome == .otherWindow && answer.window.start == 20_001 * Self.day)
  }

  @Test("all of a call's needs are granted, or none")
  func allOrNothing() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    var answers = try state(
      pair, budget(1, hold: 0, need: 10), budget(1, hold: 0, need: 101, key: Self.other)
    ).answers
    #expect(answers.map(\.outcome) == [.otherShort, .short(waitMilliseconds: 0)])
    #expect(answers.map(\.sum) == [0, 0])
    answers = try state(
      pair, budget(2, hold: 0, need: 10), budget(2, hold: 0, need: 100, key: Self.other)
    ).answers
    #expect(answers.map(\.outcome) == [.granted(10), .granted(100)])
    // What was not taken in grants nothing either.
    answers = try state(
      pair, budget(2, hold: 10, need: 10), budget(3, hold: 0, need: 100, key: Self.other)
    ).answers
    #expect(answers.map(\.outcome) == [.stale, .otherShort])
  }

  @Test("a bucket refills to the millisecond, rounded down, and not over what is leased")
  func buckets() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, bucket(1, hold: 0, need: 60))
    // All of it is leased: nothing comes back until it is said to be spent.
    pair.nowMs += 5_000
    var answer = try state(pair, bucket(2, hold: 60, unspent: 30)).answers[0]
    #expect(answer.sum == 60)
    // One a second, and what is not a whole one is kept for the next.
    pair.nowMs += 1_999
    answer = try state(pair, bucket(3, hold: 60, unspent: 30)).answers[0]
    #expect(answer.sum == 59)
    pair.nowMs += 1
    answer = try state(pair, bucket(4, hold: 60, unspent: 30)).answers[0]
    #expect(answer.sum == 58)
    // 30 are leased, so no more than 30 come back.
    pair.nowMs += 60_000
    answer = try state(pair, bucket(5, hold: 60, unspent: 30)).answers[0]
    #expect(answer.sum == 30)
    answer = try state(pair, bucket(1, hold: 0, need: 35), by: Self.b).answers[0]
    // Waiting does not help while 30 are leased: 25 are to be missing, and 30 are.
    #expect(answer.outcome == .short(waitMilliseconds: 0))
    // They are void when their holder is silent: five seconds later the five are there.
    pair.nowMs += 10_000
    answer = try state(pair, bucket(2, hold: 0, need: 35), by: Self.b).answers[0]
    #expect(answer.outcome == .short(waitMilliseconds: 5_000) && answer.sum == 30)
    pair.nowMs += 5_000
    answer = try state(pair, bucket(3, hold: 0, need: 35), by: Self.b).answers[0]
    #expect(answer.outcome == .granted(35) && answer.sum == 60)
  }

  @Test("a bucket measures a new start from its first word, and takes debt and refunds after it")
  func bucketMarks() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    var answer = try state(pair, bucket(1, hold: 500)).answers[0]
    #expect(answer.sum == 0)
    answer = try state(pair, bucket(2, hold: 570)).answers[0]
    #expect(answer.sum == 70)
    answer = try state(pair, bucket(3, hold: 540)).answers[0]
    #expect(answer.sum == 40)
    let next = Holder(ledger: Self.a.ledger, start: 2)
    answer = try state(pair, bucket(1, hold: -20), by: next).answers[0]
    #expect(answer.sum == 40)
    answer = try state(pair, bucket(2, hold: -30), by: next).answers[0]
    #expect(answer.sum == 30)
    // Forgotten and counted anew: what it says before it is answered is measured from too.
    answer = try state(pair, bucket(3, hold: 0, seen: nil), by: next).answers[0]
    #expect(answer.sum == 30)
    answer = try state(pair, bucket(4, hold: -30, seen: nil), by: next).answers[0]
    #expect(answer.sum == 30)
    // Half the amount: the smaller of two rates refills.
    pair.nowMs += 10_000
    answer = try state(pair, bucket(5, hold: -30, amount: 30), by: next).answers[0]
    #expect(answer.sum == 25)
    pair.nowMs += 10_000
    answer = try state(pair, bucket(6, hold: -30), by: next).answers[0]
    #expect(answer.sum == 20)
  }

  @Test("slots of a silent holder go to who is short, and count again when they are stated")
  func silentSlots() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, slots(1, hold: 0, need: 10), by: Self.b)
    pair.nowMs += 9_999
    var answer = try state(pair, slots(1, hold: 0, need: 1)).answers[0]
    #expect(answer.outcome == .short(waitMilliseconds: 0))
    pair.nowMs += 1
    // Looked through a millisecond ago.
    answer = try state(pair, slots(2, hold: 0, need: 1)).answers[0]
    #expect(answer.outcome == .short(waitMilliseconds: 0))
    pair.nowMs += 1_000
    answer = try state(pair, slots(3, hold: 0, need: 1)).answers[0]
    #expect(answer.outcome == .granted(1) && answer.sum == 1)
    answer = try state(pair, slots(1, hold: 10), by: Self.b).answers[0]
    #expect(answer.outcome == .stale)
    answer = try state(pair, slots(2, hold: 10), by: Self.b).answers[0]
    #expect(answer.sum == 11)
    let next = Holder(ledger: Self.b.ledger, start: 2)
    answer = try state(pair, slots(1, hold: 0), by: next).answers[0]
    #expect(answer.sum == 1)
  }

  @Test("an opening waits for all that were alive, at most the lease's time")
  func opening() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    let alive = [Self.a, Self.b]
    _ = try state(pair, budget(1, hold: 0, need: 30))
    _ = try state(pair, budget(1, hold: 0, need: 20), by: Self.b)
    pair.runID = "run-2"
    pair.nowMs += 100
    var answer = try state(pair, budget(2, hold: 30, need: 1))
    #expect(answer.answers[0].outcome == .opening)
    #expect(
      answer.state
        == .opening(isClaimed: false, claimed: 0, expected: 0, sinceMs: Self.noon + 100))
    answer = try state(pair, budget(3, hold: 30), isWhole: true, alive: alive)
    #expect(
      answer.state
        == .opening(isClaimed: true, claimed: 1, expected: 2, sinceMs: Self.noon + 100))
    // The last claim opens, and what it needs is granted at once.
    answer = try state(
      pair, budget(2, hold: 20, need: 5), by: Self.b, isWhole: true, alive: alive)
    #expect(answer.state == .open && answer.answers[0].outcome == .granted(5))
    #expect(answer.openingMs == Self.noon + 100)

    try pair.wipe()
    answer = try state(pair, budget(4, hold: 30, seen: 55), isWhole: true, alive: alive)
    #expect(answer.answers[0].sum == 55)
    pair.nowMs += 9_999
    answer = try state(pair, budget(5, hold: 30, need: 1))
    #expect(answer.answers[0].outcome == .opening)
    pair.nowMs += 1
    answer = try state(pair, budget(6, hold: 30, need: 46))
    #expect(answer.answers[0].outcome == .short(waitMilliseconds: 0))
    // Late, and still nothing is counted twice: 20 of the 25 that were seen are b's.
    answer = try state(pair, budget(3, hold: 20), by: Self.b)
    #expect(answer.answers[0].sum == 55 && answer.state == .open)
    answer = try state(pair, budget(4, hold: 24), by: Self.b)
    #expect(answer.answers[0].sum == 59)
  }

  @Test("a master that was another's replica meanwhile opens anew, though its run is the same")
  func masterAgain() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    _ = try state(pair, budget(1, hold: 0, need: 30))
    let copy = (try pair.script.copy(), pair.model.copy())
    _ = try state(pair, budget(1, hold: 0, need: 60), by: Self.b)
    // Another is the master, without the last write, and nobody asks it for this partition.
    try pair.script.restore(copy.0)
    pair.model.restore(copy.1)
    pair.history = "b2"
    pair.nowMs += 100
    var answer = try state(pair, budget(2, hold: 30, need: 70))
    #expect(answer.answers[0].outcome == .opening)
    answer = try state(pair, budget(3, hold: 30), isWhole: true, alive: [Self.a, Self.b])
    // While it opens, there is one more fail-over: who has claimed of the other claims again.
    pair.history = "a3"
    answer = try state(
      pair, budget(2, hold: 60), by: Self.b, isWhole: true, alive: [Self.a, Self.b])
    #expect(answer.answers[0].outcome == .opening)
    answer = try state(
      pair, budget(4, hold: 30, need: 20), isWhole: true, alive: [Self.a, Self.b])
    #expect(answer.state == .open)
    #expect(answer.answers[0].outcome == .short(waitMilliseconds: 0))
  }

  @Test("who has seen nobody does not open a partition before the lease's time")
  func openingByTheNew() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try StorePair(server, nowMs: Self.noon)
    #expect(try state(pair, budget(1, hold: 0), isWhole: true).state != .open)
    pair.nowMs += 10_000
    #expect(try state(pair, budget(2, hold: 0), isWhole: true).state == .open)
  }

  @Test("a bucket that was lost begins where it was seen lowest, refilled since")
  func openingBucket() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try StorePair(server, nowMs: Self.noon)
    let alive = [Self.a, Self.b]
    func seen(_ sum: Int64) -> Statement.Seen { .init(sum: sum, atMs: Self.noon - 10_000) }
    var answer = try state(
      pair, bucket(1, hold: 0, seen: seen(40)), isWhole: true, alive: alive)
    #expect(answer.answers[0].sum == 30)
    answer = try state(
      pair, bucket(1, hold: 0, seen: seen(50)), by: Self.b, isWhole: true, alive: alive)
    #expect(answer.answers[0].sum == 40 && answer.state == .open)
  }

  @Test("a call that is refused has changed nothing")
  func refusedCalls() throws {
    let server = try TestServer()
    defer { server.end() }
    let pair = try open(server)
    let most: Int64 = 1 << 53 - 1
    _ = try state(pair, budget(1, hold: most))
    let calls = [
      [budget(1, hold: most, key: Self.other), budget(2, hold: most + 1)],
      [budget(1, hold: 5, need: 5, want: 4)], [budget(1, hold: 5, settled: 6)],
      [budget(2, hold: 1), budget(3, hold: 1)], [slots(2, hold: 1)],
      [slots(2, hold: 1, unspent: 2)],
      [budget(1, hold: 0, key: SharedKey(partition: 3, id: "x")), bucket(2, hold: 1)],
    ]
    for statements in calls {
      let call = StatementCall(partition: 3, statements: statements)
      #expect(try pair.state(call, by: Self.a) == nil)
    }
    // Together with a's it would be more than doubles hold exactly.
    let call = StatementCall(partition: 3, statements: [budget(1, hold: 1)])
    #expect(try pair.state(call, by: Self.b) == nil)
  }
}
