import Books
import Ledger
import Terms
import Testing

@testable import Gateway
@testable import Quota

/// The life of an exchange that waits for the store, as a value.
struct AskingLifeTests {
  private static let catalog = LimitCatalog(rules: [])

  private static func request() -> AdmissionRequest {
    AdmissionRequest(
      limits: catalog.set([]), caller: Caller(tenant: "a", keyID: nil, subject: "s"), size: nil,
      prices: nil, isMetered: false,
      record: Admission(requestID: "r", decision: .allow, policy: "p"))
  }

  private static let demand = Demand(
    promptTokens: 0, completionTokens: 0, isBoundStated: true)

  private static func open() -> OpenAdmission {
    var table = QuotaTable(catalog)
    let request = request()
    guard
      case .admitted(let reservation) = table.reserve(
        request.limits, caller: request.caller, demand: demand, now: 0)
    else { preconditionFailure("no limit refuses") }
    let open = OpenAdmission(request, seq: 1, timeMs: 0, reservation)
    open.take()?.leaveToRecovery()
    return open
  }

  private static func asking(
    _ answer: ExchangeLife.Answer = .none
  ) -> (life: ExchangeLife, ticket: StoreTicket) {
    let ticket = StoreTicket(ask: QuotaAsk(id: 1, demand: demand), request: request())
    var life = ExchangeLife()
    life.asked(ticket, answer: answer)
    return (life, ticket)
  }

  @Test func `what waits holds its replies, and nothing is open`() {
    var (life, ticket) = Self.asking()
    let sent = life.verdictSent()
    #expect(life.asking === ticket && life.holdsReplies && life.open == nil && sent == nil)
    #expect(!life.wasSettledBefore)
  }

  @Test(arguments: [false, true])
  func `admitted again it goes on as if it had been at once`(waits: Bool) {
    var (life, ticket) = Self.asking()
    let open = Self.open()
    let asked = life.storeAnswered()
    #expect(asked === ticket)
    let next = life.admittedAgain(open, waits: waits)
    #expect(next.settle == nil && life.open === open && life.holdsReplies == waits)
    #expect(next.released == (waits ? nil : .init(sendsReplies: true)))
    if waits {
      let recorded = life.recorded()
      #expect(recorded == .init(sendsReplies: true))
    }
    let settle = life.streamEnded()
    #expect(settle?.ending == .noAnswer)
  }

  @Test(arguments: [false, true])
  func `Envoy closes its half meanwhile: the end follows what was held`(waits: Bool) {
    var (life, _) = Self.asking()
    let first = life.halfClosed()
    let second = life.halfClosed()
    #expect(first && second && life.holdsReplies)
    let next = life.admittedAgain(Self.open(), waits: waits)
    if waits {
      let failed = life.recordFailed()
      #expect(next.released == nil && failed == .init(refuses: true, endsStream: true))
    } else {
      #expect(next.released == .init(sendsReplies: true, endsStream: true))
    }
  }

  @Test func `refused again is a refusal in place of what was held`() {
    var (life, _) = Self.asking()
    let refused = life.refusedAgain()
    #expect(refused == .init(refuses: true) && life.asking == nil)
    var (closed, _) = Self.asking()
    _ = closed.halfClosed()
    let end = closed.refusedAgain()
    #expect(end == .init(refuses: true, endsStream: true))
    let settle = closed.streamEnded()
    #expect(settle == nil)
  }

  @Test func `the stream ends: the ticket is taken once, and nothing is settled`() {
    var (life, ticket) = Self.asking()
    let taken = life.takeTicket()
    let again = life.takeTicket()
    let settle = life.streamEnded()
    #expect(taken === ticket && again == nil && settle == nil && !life.holdsReplies)
    let late = life.storeAnswered()
    #expect(late == nil)
  }

  @Test func `the stream failed: the store's answer is for nobody`() {
    var (life, ticket) = Self.asking()
    life.streamFailed()
    let answered = life.storeAnswered()
    let isHalfClosed = life.halfClosed()
    #expect(answered == nil && !isHalfClosed && !life.holdsReplies)
    let taken = life.takeTicket()
    #expect(taken === ticket)
  }

  @Test(arguments: [false, true])
  func `an answer of Envoy's own before the store's word reached no backend`(waits: Bool) {
    var (life, _) = Self.asking()
    life.answerBegan(status: 504, from: .backend)
    life.answerReachedClient()
    let early = life.answerEnded()
    #expect(early == nil && life.asking != nil)
    let open = Self.open()
    let next = life.admittedAgain(open, waits: waits)
    #expect(next.settle?.open === open)
    #expect(
      next.settle?.ending == (waits ? .notReleased(status: 504) : .unreached(status: 504)))
    #expect(next.released == (waits ? nil : .init(sendsReplies: true)))
  }

  @Test func `an answer of our own is settled when it goes out`() {
    var (life, _) = Self.asking(.own)
    _ = life.admittedAgain(Self.open(), waits: false)
    let settle = life.verdictSent()
    #expect(settle?.ending == .answeredHere)
  }
}
