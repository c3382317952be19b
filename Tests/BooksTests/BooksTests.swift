import Inference
import Ledger
import Quota
import Terms
import Testing

@testable import Books

/// The calls of an exchange's life: a request is admitted, an open admission is settled, an ending is
/// recorded; and counters and records always agree.
@Suite(.timeLimit(.minutes(2))) struct BooksTests {
  private static func usage(_ prompt: Int, _ completion: Int) -> MeteredUsage {
    var usage = MeteredUsage()
    usage.source = .reported
    usage.prompt = prompt
    usage.completion = completion
    return usage
  }

  private static let answer = Ending.backendAnswer(status: 200, isWhole: true)

  @Test func `an exchange is reserved, settled and recorded, and its counters say the same`() throws
  {
    let test = try TestBooks()
    guard case .admitted(let open, waits: true) = try test.admit("one") else {
      Issue.record("it fits")
      return
    }
    test.waitUntilDurable(open)
    // 400 bytes are 100 tokens at four bytes a token; 50 more for the answer.
    #expect(
      open.record.reserved.map(\.counter) == [
        "tenant/a/rpd", "tenant/a/tpd", "tenant/a/usd", "tenant/a/parallel",
      ])
    #expect(open.record.reserved.map(\.amount) == [1, 150, 200_000, 1])
    #expect(open.record.estimatedPromptTokens == 100)
    #expect(open.record.reservedCompletionTokens == 50)
    #expect(test.counter("tenant/a/tpd") == ["reserved": 150, "open": 1])
    #expect(test.counter("tenant/a/parallel") == ["held": 1, "open": 1])
    #expect(test.books.state.open.map(\.admission) == [open.record.value])

    test.advance(ms: 40)
    let completion = try #require(
      test.books.settle(
        open, as: Self.answer, metered: Self.usage(90, 20), backend: "10.0.0.1:80"))
    #expect(completion.charged.map(\.amount) == [1, 110, 130_000, 0])
    #expect(completion.costNanodollars == 130_000)
    #expect(completion.latencyMs == 40)
    #expect(completion.gatewayBackend == "10.0.0.1:80")
    #expect(test.counter("tenant/a/rpd") == ["used": 1])
    #expect(test.counter("tenant/a/tpd") == ["used": 110])
    #expect(test.counter("tenant/a/usd") == ["used": 130_000])
    #expect(test.counter("tenant/a/parallel") == nil)
    #expect(test.books.state.open.isEmpty)
    #expect(test.books.settle(open, as: .noAnswer) == nil)

    #expect(test.close())
    let records = try test.records()
    #expect(records.filter { $0 == .admission(open.record) }.count == 1)
    #expect(records.filter { $0 == .completion(completion) }.count == 1)
  }

  @Test func `a refusal by a limit charges and records nothing`() throws {
    let test = try TestBooks()
    let open = [try test.open("one"), try test.open("two")]
    guard case .refused(let refusal) = try test.admit("three") else {
      Issue.record("two slots are taken")
      return
    }
    #expect(refusal.failures.map(\.rule.name) == ["parallel"])
    #expect(test.counter("tenant/a/rpd") == ["reserved": 2, "open": 2])
    for admission in open { _ = test.books.settle(admission, as: .notReleased(status: nil)) }
    #expect(test.books.state.counters.isEmpty)
    #expect(test.close())
    let ids = try test.records().compactMap { body in
      if case .admission(let admission) = body { admission.requestID } else { nil }
    }
    #expect(ids == ["one", "two"])
  }

  @Test func `in relaxed mode an admission does not wait for its record`() throws {
    let test = try TestBooks(durability: .relaxed)
    guard case .admitted(let open, waits: false) = try test.admit("one") else {
      Issue.record("it counts at once")
      return
    }
    #expect(test.books.settle(open, as: Self.answer, metered: Self.usage(1, 1)) != nil)
    #expect(test.close())
    #expect(try test.records().contains(.admission(open.record)))
  }

  @Test func `an admission whose record fails is undone and told, and cannot be settled`() throws {
    let test = try TestBooks()
    test.files.fail(5)
    let lost = try test.open("lost")
    let failure = test.waitForFailure()
    #expect(failure.seqs == [lost.seq])
    #expect(lost.epoch < failure.before)
    #expect(test.books.settle(lost, as: Self.answer, metered: Self.usage(90, 20)) == nil)
    #expect(test.books.state.counters.isEmpty)
    #expect(test.books.state.open.isEmpty)
    guard case .unavailable = try test.admit("meanwhile") else {
      Issue.record("nothing is admitted that cannot be recorded")
      return
    }
    #expect(test.books.state.counters.isEmpty)

    test.files.fail(nil)
    test.waitUntilWritable()
    let next = try test.open("next")
    // Its number may be the failed one's: the epoch tells them apart.
    #expect(next.epoch == failure.before)
    test.waitUntilDurable(next)
    #expect(test.books.settle(next, as: Self.answer, metered: Self.usage(90, 20)) != nil)
    #expect(test.close())
    let records = try test.records()
    #expect(records.contains(.admission(next.record)))
    #expect(!records.contains(.admission(lost.record)))
    let completed = records.compactMap { body in
      if case .completion(let completion) = body { completion.requestID } else { nil }
    }
    #expect(completed == ["next"])
  }

  @Test func `a flood of refusals is recorded as ten records and a count`() throws {
    let test = try TestBooks()
    func deny(_ number: Int) {
      test.books.deny(
        Admission(
          requestID: "r\(number)", decision: .deny, tenant: "a", reason: "rate_limit_exceeded",
          httpStatus: 429, policy: "p"))
    }
    for number in 1...25 { deny(number) }
    test.books.tick()
    test.advance(ms: 1_000)
    test.books.tick()
    #expect(
      test.books.refusalSummaries() == [
        RefusalSummary(tenant: "a", reason: "rate_limit_exceeded", count: 25, windowMs: 1_000)
      ])
    // Those of the last second are counted too, though the process ends before it is over.
    for number in 26...37 { deny(number) }
    #expect(test.books.state.counters.isEmpty)
    #expect(test.close())
    let records = try test.records()
    let singly = records.compactMap { body in
      if case .admission(let admission) = body { admission.requestID } else { nil }
    }
    #expect(singly == (Array(1...10) + Array(26...35)).map { "r\($0)" })
    let counted = records.compactMap { body in
      if case .denials(let denials) = body { denials } else { nil }
    }
    let second = TestBooks.startMs
    #expect(
      counted == [
        Denials(
          tenant: "a", reason: "rate_limit_exceeded", count: 15, sinceMs: second,
          requestIDs: (11...25).map { "r\($0)" }),
        Denials(
          tenant: "a", reason: "rate_limit_exceeded", count: 2, sinceMs: second + 1_000,
          requestIDs: ["r36", "r37"]),
      ])
  }

  @Test func `what is open when the books close is settled by the next start`() throws {
    let test = try TestBooks()
    let open = try test.open("open")
    #expect(test.close())
    #expect(test.books.settle(open, as: Self.answer, metered: Self.usage(90, 20)) == nil)
    guard case .unavailable = try test.admit("late") else {
      Issue.record("closed books admit nothing")
      return
    }

    let next = try TestBooks(test.files)
    #expect(next.found.interrupted == 1)
    #expect(next.books.state.open.isEmpty)
    // The estimate of the prompt; the slot is given back.
    #expect(next.counter("tenant/a/tpd") == ["used": 100])
    #expect(next.counter("tenant/a/usd") == ["used": 100_000])
    #expect(next.counter("tenant/a/parallel") == nil)
    #expect(next.close())
    let completions = try next.records().compactMap { body in
      if case .completion(let completion) = body { completion } else { nil }
    }
    #expect(completions.map(\.requestID) == ["open"])
    #expect(completions.map(\.endReason) == [.interrupted])
    #expect(completions.map(\.usageSource) == [.estimated])
  }
}
