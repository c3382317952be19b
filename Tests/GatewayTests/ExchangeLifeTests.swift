import Books
import Ledger
import Quota
import Terms
import Testing

@testable import Gateway

/// The exchange's life as a value: no books, no stream.
struct ExchangeLifeTests {
  private static func open() -> OpenAdmission {
    let catalog = LimitCatalog(rules: [])
    var table = QuotaTable(catalog)
    let caller = Caller(tenant: "a", keyID: nil, subject: "s")
    let demand = Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
    guard
      case .admitted(let reservation) = table.reserve(
        catalog.set([]), caller: caller, demand: demand, now: 0)
    else { preconditionFailure("no limit refuses") }
    let request = AdmissionRequest(
      limits: catalog.set([]), caller: caller, size: nil, prices: nil, isMetered: false,
      record: Admission(requestID: "r", decision: .allow, policy: "p"))
    return OpenAdmission(request, seq: 1, timeMs: 0, reservation)
  }

  private static let completion = Reference(
    Completion(
      requestID: "r", usageSource: .none, endReason: .complete))

  /// An admitted life, and the admission, which is taken so that nothing is left unsettled.
  fileprivate static func admitted(
    _ answer: ExchangeLife.Answer = .none, waits: Bool
  ) -> (life: Life, open: OpenAdmission) {
    let open = open()
    open.take()?.leaveToRecovery()
    let life = Life()
    life.admitted(open, answer: answer, waits: waits)
    return (life, open)
  }

  // MARK: Released at once

  @Test func `what is never admitted is never settled`() {
    let life = Life()
    #expect(life.open == nil && !life.holdsReplies && !life.wasSettledBefore)
    #expect(life.verdictSent() == nil)
    life.answerBegan(status: 200, from: .backend)
    life.answerReachedClient()
    #expect(life.answerEnded() == nil)
    #expect(life.streamEnded() == nil)
    #expect(!life.halfClosed())
  }

  @Test func `an exchange that ext_authz settled is followed and not settled again`() {
    let life = Life()
    life.followed()
    #expect(life.wasSettledBefore && life.open == nil && !life.holdsReplies)
    #expect(life.answerEnded() == nil && life.streamEnded() == nil)
  }

  /// What was seen of a released exchange's answer, and how it ended: at its end, in its body, and
  /// with nothing but its headers.
  private static let endings:
    [(status: Int?, source: AnswerSource, whole: Ending, cut: Ending, headersOnly: Ending)] = [
      (
        200, .backend, .backendAnswer(status: 200, isWhole: true),
        .backendAnswer(status: 200, isWhole: false), .noAnswer
      ),
      (
        399, .unknown, .backendAnswer(status: 399, isWhole: true),
        .backendAnswer(status: 399, isWhole: false), .noAnswer
      ),
      (
        503, .backend, .backendAnswer(status: 503, isWhole: true),
        .backendAnswer(status: 503, isWhole: false), .backendAnswer(status: 503, isWhole: false)
      ),
      always(504, .envoy(wasReached: true), .gatewayAnswer(status: 504)),
      always(503, .envoy(wasReached: false), .unreached(status: 503)),
      always(200, .envoy(wasReached: false), .unreached(status: 200)),
      always(nil, .envoy(wasReached: false), .unreached(status: nil)),
      always(nil, .envoy(wasReached: true), .noAnswer), always(nil, .backend, .noAnswer),
    ]

  private static func always(_ status: Int?, _ source: AnswerSource, _ ending: Ending) -> (
    Int?, AnswerSource, Ending, Ending, Ending
  ) { (status, source, ending, ending, ending) }

  @Test(arguments: endings.indices)
  func `a released exchange ends as its answer did`(index: Int) throws {
    let row = Self.endings[index]
    for expected in [row.whole, row.cut, row.headersOnly].enumerated() {
      let (life, open) = Self.admitted(waits: false)
      #expect(!life.holdsReplies && life.open === open && life.verdictSent() == nil)
      life.answerBegan(status: row.status, from: row.source)
      if expected.offset == 1 { life.answerReachedClient() }
      let settle = try #require(expected.offset == 0 ? life.answerEnded() : life.streamEnded())
      #expect(settle.open === open && settle.ending == expected.element)
      #expect(life.settled(Self.completion) == .count(Self.completion))
      #expect(life.answerEnded() == nil && life.streamEnded() == nil, "settled once")
    }
  }

  @Test func `an answer that never began is none, even where its end is told`() {
    for isEnded in [true, false] {
      let (life, _) = Self.admitted(waits: false)
      #expect((isEnded ? life.answerEnded() : life.streamEnded())?.ending == .noAnswer)
    }
  }

  @Test(arguments: [
    (ExchangeLife.Answer.own, Ending.answeredHere), (.unobserved, .unobserved),
  ])
  func `where no more of the answer comes, the verdict settles`(
    answer: ExchangeLife.Answer, ending: Ending
  ) {
    let (life, _) = Self.admitted(answer, waits: false)
    #expect(life.verdictSent()?.ending == ending)
    #expect(life.verdictSent() == nil && life.streamEnded() == nil)
    let (waiting, _) = Self.admitted(answer, waits: true)
    #expect(waiting.verdictSent() == nil, "it is held")
    #expect(waiting.recorded() == .init(sendsReplies: true))
    #expect(waiting.verdictSent()?.ending == ending)
  }

  // MARK: Waiting for the record

  @Test func `replies are held until the record is on disk`() {
    let (life, open) = Self.admitted(waits: true)
    #expect(life.holdsReplies && life.open === open)
    #expect(life.recorded() == .init(sendsReplies: true))
    #expect(!life.holdsReplies && life.open === open)
    #expect(life.streamEnded()?.ending == .noAnswer, "a backend may have been asked")
  }

  @Test func `the end of the stream waits behind held replies`() {
    let (life, _) = Self.admitted(waits: true)
    #expect(life.halfClosed() && life.halfClosed())
    #expect(life.recorded() == .init(sendsReplies: true, endsStream: true))
    #expect(!life.halfClosed())
    let (failing, _) = Self.admitted(waits: true)
    #expect(failing.halfClosed())
    #expect(failing.recordFailed() == .init(refuses: true, endsStream: true))
  }

  @Test func `a client that leaves before the record settles as nothing, and counts with it`() {
    let (life, _) = Self.admitted(waits: true)
    #expect(life.streamEnded()?.ending == .notReleased(status: nil))
    #expect(life.settled(Self.completion) == .later)
    #expect(!life.holdsReplies && life.open == nil)
    #expect(life.recorded() == .init(completion: Self.completion))
    #expect(life.streamEnded() == nil)
  }

  @Test func `what was settled meanwhile goes with a record that fails`() {
    let (life, _) = Self.admitted(waits: true)
    #expect(life.streamEnded() != nil)
    #expect(life.settled(nil) == .later)
    #expect(life.recordFailed() == .init())
    let (answered, _) = Self.admitted(waits: true)
    answered.answerBegan(status: 504, from: .envoy(wasReached: true))
    #expect(answered.answerEnded()?.ending == .notReleased(status: 504))
    #expect(answered.settled(Self.completion) == .later)
    #expect(answered.holdsReplies)
    #expect(answered.recordFailed() == .init(refuses: true))
    #expect(answered.streamEnded() == nil)
  }

  @Test func `an answer of Envoy's own while the record is awaited reached no backend`() {
    let (life, _) = Self.admitted(waits: true)
    life.answerBegan(status: 504, from: .backend)
    #expect(life.recorded() == .init(sendsReplies: true))
    #expect(life.answerEnded()?.ending == .unreached(status: 504))
    let (settled, _) = Self.admitted(waits: true)
    settled.answerBegan(status: 504, from: .envoy(wasReached: true))
    #expect(settled.halfClosed())
    #expect(settled.answerEnded() != nil)
    #expect(settled.settled(Self.completion) == .later)
    #expect(
      settled.recorded()
        == .init(completion: Self.completion, sendsReplies: true, endsStream: true))
  }

  @Test func `a stream that fails before the record sends nothing, and no backend was asked`() {
    let (life, open) = Self.admitted(waits: true)
    life.streamFailed()
    #expect(!life.holdsReplies && life.open === open && !life.halfClosed())
    #expect(life.recorded() == .init())
    #expect(life.streamEnded()?.ending == .notReleased(status: nil))
    #expect(life.settled(Self.completion) == .count(Self.completion))
    let (failing, _) = Self.admitted(waits: true)
    failing.streamFailed()
    #expect(failing.recordFailed() == .init())
    #expect(failing.streamEnded() == nil)
  }

  @Test func `a record is waited for once`() async {
    await #expect(processExitsWith: .failure) {
      let (life, _) = ExchangeLifeTests.admitted(waits: false)
      _ = life.recorded()
    }
  }
}

extension ExchangeLife.Settle: Equatable {
  public static func == (a: Self, b: Self) -> Bool { a.open === b.open && a.ending == b.ending }
}

/// A life that expectations may change: they take no mutating call on a value.
private final class Life {
  private var life = ExchangeLife()

  var open: OpenAdmission? { life.open }
  var holdsReplies: Bool { life.holdsReplies }
  var wasSettledBefore: Bool { life.wasSettledBefore }

  func admitted(_ open: OpenAdmission, answer: ExchangeLife.Answer, waits: Bool) {
    life.admitted(open, answer: answer, waits: waits)
  }
  func followed() { life.followed() }
  func verdictSent() -> ExchangeLife.Settle? { life.verdictSent() }
  func answerBegan(status: Int?, from source: AnswerSource) {
    life.answerBegan(status: status, from: source)
  }
  func answerReachedClient() { life.answerReachedClient() }
  func answerEnded() -> ExchangeLife.Settle? { life.answerEnded() }
  func streamFailed() { life.streamFailed() }
  func streamEnded() -> ExchangeLife.Settle? { life.streamEnded() }
  func halfClosed() -> Bool { life.halfClosed() }
  func settled(_ completion: Reference<Completion>?) -> ExchangeLife.Settled {
    life.settled(completion)
  }
  func recorded() -> ExchangeLife.Recorded { life.recorded() }
  func recordFailed() -> ExchangeLife.RecordFailed { life.recordFailed() }
}
