import Inference
import Ledger
import Terms
import Testing

@testable import Books

/// Somebody sets the machine's clock, while the process runs or between two.
@Suite(.timeLimit(.minutes(2))) struct ClockTests {
  static let hour: Int64 = 3_600_000
  static let day = 24 * hour
  static let year = 365 * day
  static let steps = [hour, -hour, day, -day, year, -year]

  /// A bucket that refills one request a minute, and a day's budget of three.
  private static let policy = TestBooks.policy.replacing(
    #"{ name: "tpd", tokens: 1000, per: "day" }"#,
    with: #"{ name: "rph", requests: 60, per: "hour", burst: 2 }"#)

  private static func books(
    _ files: GatedFiles = GatedFiles(), requestsADay: Int = 3, afterMs: Int64 = 0,
    clockSetByMs: Int64 = 0
  ) throws -> TestBooks {
    let policy = policy.replacing("requests: 3,", with: "requests: \(requestsADay),")
    return try TestBooks(files, policy: policy, afterMs: afterMs, clockSetByMs: clockSetByMs)
  }

  private static func use(_ test: TestBooks, _ id: String) throws -> Bool {
    guard case .admitted(let open, _) = try test.admit(id) else { return false }
    _ = test.books.settle(open, as: .noAnswer)
    return true
  }

  /// Time steps back only at a `clock` record, from no earlier than where it had come.
  private static func expectOrder(_ test: TestBooks, steps count: Int) throws {
    var last: Int64 = 0
    var steps = 0
    for record in try test.wholeRecords() where !record.isCarried {
      var reached = record.timeMs
      if case .clock(let jump) = record.body {
        reached = try #require(jump.fromMs)
        #expect(jump.wallMs == record.timeMs)
        #expect(jump.jumpMs == record.timeMs - reached)
        steps += 1
      }
      #expect(reached >= last, "record \(record.seq)")
      last = record.timeMs
    }
    #expect(steps == count)
    #expect(Verification.run(test.files).problem == nil)
  }

  @Test(arguments: steps)
  func `a bucket goes on by the time that passes, whatever the clock is set to`(step: Int64) throws
  {
    let test = try Self.books()
    #expect(try Self.use(test, "1"))
    #expect(try Self.use(test, "2"))
    test.advance(ms: 50_000)
    #expect(try !Self.use(test, "3"), "the bucket is empty for a minute")
    test.setClock(byMs: step)
    #expect(try !Self.use(test, "4"), "nothing is refilled by a step")
    test.advance(ms: 9_999)
    #expect(try !Self.use(test, "5"))
    test.advance(ms: 1)
    #expect(try Self.use(test, "6"), "a minute has passed")
    let before = test.books.state
    #expect(test.close())
    try Self.expectOrder(test, steps: 1)
    // And the next process has the same counters.
    let next = try Self.books(
      test.files, afterMs: test.nowMs - TestBooks.startMs, clockSetByMs: step)
    #expect(next.books.state.counters == before.counters)
    #expect(next.close())
  }

  @Test(arguments: steps)
  func `a budget is neither frozen nor given twice while the process runs`(step: Int64) throws {
    let test = try Self.books()
    for id in ["1", "2", "3"] {
      #expect(try Self.use(test, id))
      test.advance(ms: 60_000)
    }
    #expect(try !Self.use(test, "4"), "the day's budget is spent")
    test.setClock(byMs: step)
    test.advance(ms: 60_000)
    let isOtherDay = step.magnitude >= UInt64(Self.day)
    #expect(try Self.use(test, "5") == isOtherDay)
    test.setClock(byMs: -step)
    test.advance(ms: 120_000)
    #expect(try !Self.use(test, "6"), "the day is found again, and it is spent")
    test.advance(ms: Self.day)
    #expect(try Self.use(test, "7"), "the next day begins when it should")
    #expect(test.close())
    try Self.expectOrder(test, steps: 2)
  }

  @Test(arguments: steps, [true, false])
  func `a budget is neither frozen nor given twice across starts`(
    step: Int64, isKilled: Bool
  ) throws {
    var test = try Self.books()
    func restart(set: Int64, later: Int64) throws {
      if isKilled { #expect(test.books.ledger?.flush() == true) } else { #expect(test.close()) }
      let files = isKilled ? test.files.crashed() : test.files
      let after = test.nowMs - TestBooks.startMs + later
      if isKilled { #expect(test.close()) }
      test = try Self.books(files, afterMs: after, clockSetByMs: set)
    }
    for id in ["1", "2", "3"] {
      #expect(try Self.use(test, id))
      test.advance(ms: 60_000)
    }
    try restart(set: step, later: 60_000)
    let isOtherDay = step.magnitude >= UInt64(Self.day)
    #expect(try Self.use(test, "4") == isOtherDay, "a new day's budget is there")
    test.advance(ms: 60_000)
    try restart(set: 0, later: 60_000)
    #expect(try !Self.use(test, "5"), "the day is found again, and it is spent")
    try restart(set: 0, later: Self.day)
    #expect(try Self.use(test, "6"), "the next day begins when it should")
    #expect(test.close())
    try Self.expectOrder(test, steps: 1)
  }

  @Test(arguments: steps)
  func `a bucket waits no longer than it needs after a start with another clock`(
    step: Int64
  ) throws {
    let test = try Self.books()
    #expect(try Self.use(test, "1"))
    #expect(try Self.use(test, "2"))
    #expect(test.close())
    let next = try Self.books(
      test.files, requestsADay: 9, afterMs: 1_000, clockSetByMs: step)
    // Set ahead, the clock says that the time has passed; set back, that none has.
    #expect(try Self.use(next, "3") == (step > 0))
    next.advance(ms: 60_000)
    #expect(try Self.use(next, "4"))
    #expect(next.close())
    try Self.expectOrder(next, steps: step < 0 ? 1 : 0)
  }

  @Test func `a step is recorded before what it dates, and told once`() throws {
    let test = try Self.books()
    test.setClock(byMs: -Self.hour)
    #expect(try Self.use(test, "1"))
    let told = test.books.untoldClockSteps()
    #expect(
      told == [
        ClockJump(fromMs: TestBooks.startMs, wallMs: TestBooks.startMs - Self.hour)
      ])
    #expect(test.books.untoldClockSteps().isEmpty)
    let reading = test.books.clockReading
    #expect(reading.stepCount == 1 && reading.last == told[0])
    #expect(reading.timeMs == TestBooks.startMs - Self.hour)
    test.advance(ms: 700)
    test.setClock(byMs: 1_000)
    #expect(test.books.clockReading.stepCount == 1, "a second is no step")
    #expect(test.close())
    let kinds = try test.wholeRecords().map(\.type)
    #expect(kinds == ["checkpoint", "start", "clock", "admission", "completion", "stop"])
    try Self.expectOrder(test, steps: 1)
  }

  @Test func `a start behind the last record says so before anything else`() throws {
    let test = try Self.books()
    #expect(test.close())
    let next = try Self.books(test.files, clockSetByMs: -1)
    #expect(next.books.untoldClockSteps().map(\.jumpMs) == [-1])
    #expect(next.close())
    let kinds = try next.wholeRecords().suffix(4).map(\.type)
    #expect(kinds == ["checkpoint", "clock", "start", "stop"])
    try Self.expectOrder(next, steps: 1)
  }

  @Test(arguments: steps)
  func `a step whose record could not be written is found again behind the checkpoint`(
    step: Int64
  ) throws {
    let test = try Self.books()
    #expect(try Self.use(test, "1"))
    #expect(test.books.ledger?.flush() == true)
    test.files.shut()
    test.setClock(byMs: step)
    _ = try test.admit("2")
    test.files.fail(5)
    test.files.open()
    let failed = test.waitForFailure()
    #expect(!failed.seqs.isEmpty)
    test.advance(ms: 1_000)
    test.files.fail(nil)
    test.waitUntilWritable()
    #expect(try Self.use(test, "3"))
    #expect(test.close())
    var last: Int64 = 0
    for record in try test.wholeRecords() where !record.isCarried {
      var reached = record.timeMs
      if case .clock(let jump) = record.body { reached = try #require(jump.fromMs) }
      #expect(reached >= last, "record \(record.seq)")
      last = record.timeMs
    }
    #expect(last == TestBooks.startMs + step + 1_000)
    let next = try Self.books(
      test.files, afterMs: 2_000, clockSetByMs: step)
    #expect(next.close())
  }

  @Test(arguments: steps)
  func `an exchange took as long as it took, and refusals of later seconds are told`(
    step: Int64
  ) throws {
    let test = try Self.books()
    let open = try test.open("1")
    test.advance(ms: 1_500)
    test.setClock(byMs: step)
    #expect(test.books.settle(open, as: .noAnswer)?.latencyMs == 1_500)
    let denied = Admission(requestID: "no", decision: .deny, tenant: "a", reason: "r", policy: "p")
    for _ in 0..<15 { test.books.deny(denied) }
    #expect(test.books.refusalSummaries().map(\.count) == [15])
    test.setClock(byMs: -step)
    test.books.tick()
    for _ in 0..<15 { test.books.deny(denied) }
    test.advance(ms: 10_000)
    #expect(test.books.refusalSummaries().map(\.count) == [15])
    #expect(test.close())
    let counts = try test.records().compactMap { body in
      if case .denials(let denials) = body { denials.count } else { nil }
    }
    #expect(counts == [5, 5])
  }
}
