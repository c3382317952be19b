import Books
import Ledger

/// The life of an exchange in the books, as a value: admitted, waiting for the record, released,
/// answered, settled. What happened last decides what is done next. No I/O, no lock, no clock.
///
/// The ext_proc exchange and the Check go through the same life; they differ in what they see of the
/// answer. An exchange that is refused, or that nobody counts, stays `undecided`.
struct ExchangeLife {
  /// What is known of the answer.
  enum Answer: Equatable {
    /// Tollgate gives it, with the verdict.
    case own
    /// ext_authz alone: none of it is ever seen.
    case unobserved
    /// It has not begun.
    case none
    /// Envoy or another of its filters gave it; `wasReached`: a backend may have worked on the
    /// request.
    case envoy(status: Int?, wasReached: Bool)
    case backend(status: Int, Seen)
  }

  /// How much was seen of a backend's answer.
  enum Seen: Equatable {
    /// The headers. Where the backend is lost before Envoy has the reply to them, the client gets
    /// Envoy's 502 in their place, of which nothing is ever seen here.
    case head
    /// Enough to know that the client has the headers.
    case body
    case end
  }

  /// The replies that wait for the record, the verdict among them.
  private enum Replies {
    case held
    /// Envoy has closed its half of the stream meanwhile: the stream ends when they are sent.
    case heldAndHalfClosed
    /// The stream is over: there is nobody to send them to.
    case dropped
  }

  private enum State {
    case undecided
    /// `enforce_at: "ext_authz"`: the filter before this one admitted the request and settled it.
    case settledBefore
    /// The store was asked; nothing is reserved. `isOver`: the end of an answer came, which is
    /// Envoy's own.
    case asking(StoreTicket, Answer, isOver: Bool, Replies)
    /// Reserved; whether the admission is on record is not known yet.
    case waiting(OpenAdmission, Answer, Replies)
    /// On record, and the stream failed before the verdict was sent.
    case unreleased(OpenAdmission, Answer)
    /// The verdict was sent: a backend may be asked.
    case released(OpenAdmission, Answer)
    /// Settled before it was known whether the admission is on record: the completion counts if it
    /// is. Rare, and large.
    case settledUnrecorded(Reference<Completion>?, Replies)
    case over
  }

  private var state = State.undecided

  init() {}

  // MARK: What is asked

  /// Whether replies are held back.
  var holdsReplies: Bool {
    switch state {
    case .asking(_, _, _, .held), .asking(_, _, _, .heldAndHalfClosed),
      .waiting(_, _, .held), .waiting(_, _, .heldAndHalfClosed),
      .settledUnrecorded(_, .held), .settledUnrecorded(_, .heldAndHalfClosed):
      true
    case .asking(_, _, _, .dropped), .waiting(_, _, .dropped), .settledUnrecorded(_, .dropped),
      .undecided, .settledBefore,
      .unreleased, .released, .over:
      false
    }
  }

  /// What is not settled.
  var open: OpenAdmission? {
    switch state {
    case .waiting(let open, _, _), .unreleased(let open, _), .released(let open, _): open
    case .undecided, .settledBefore, .asking, .settledUnrecorded, .over: nil
    }
  }

  /// What waits for the store.
  var asking: StoreTicket? {
    if case .asking(let ticket, _, _, _) = state { ticket } else { nil }
  }

  /// Another filter let the request through, and its completion is on record: a refusal here is of
  /// an exchange that was counted.
  var wasSettledBefore: Bool {
    if case .settledBefore = state { true } else { false }
  }

  // MARK: What happened

  /// The books reserved and queued the record. `waits`: nothing may be sent before it is on disk.
  mutating func admitted(_ open: OpenAdmission, answer: Answer, waits: Bool) {
    guard case .undecided = state else { preconditionFailure("an exchange is admitted once") }
    state = waits ? .waiting(open, answer, .held) : .released(open, answer)
  }

  /// The store is asked first: nothing may be sent before it has answered. Tell `storeAnswered`, or
  /// take the ticket where the stream ends before.
  mutating func asked(_ ticket: StoreTicket, answer: Answer) {
    guard case .undecided = state else { preconditionFailure("an exchange is admitted once") }
    state = .asking(ticket, answer, isOver: false, .held)
  }

  /// The stream is over: what waits for the store is to be withdrawn.
  mutating func takeTicket() -> StoreTicket? {
    guard let ticket = asking else { return nil }
    state = .over
    return ticket
  }

  /// The store was asked, and its answer, or the end of the time for it, is there. Returned: what is to
  /// be asked again of the books, then told by `admittedAgain` or `refusedAgain`; nil where there is
  /// nobody any more.
  mutating func storeAnswered() -> StoreTicket? {
    guard case .asking(let ticket, _, _, let replies) = state, replies != .dropped else {
      return nil
    }
    return ticket
  }

  /// What to do when the books have reserved after all.
  struct AdmittedAgain {
    /// To be settled: an answer of Envoy's own came, and ended, before.
    var settle: Settle?
    /// What was held goes out; nil where it waits for the record.
    var released: Recorded?
  }

  /// The books reserved when they were asked again. `waits`: nothing may be sent before it is on disk.
  mutating func admittedAgain(_ open: OpenAdmission, waits: Bool) -> AdmittedAgain {
    guard case .asking(_, let answer, let isOver, let replies) = state else {
      preconditionFailure("only what waited for the store is asked again")
    }
    var next = AdmittedAgain()
    if waits {
      state = .waiting(open, answer, replies)
    } else {
      state = .released(open, answer)
      next.released = Recorded(
        sendsReplies: replies != .dropped, endsStream: replies == .heldAndHalfClosed)
    }
    if isOver { next.settle = settle() }
    return next
  }

  /// The books refused when they were asked again.
  mutating func refusedAgain() -> RecordFailed {
    guard case .asking(_, _, _, let replies) = state else {
      preconditionFailure("only what waited for the store is asked again")
    }
    state = .over
    return RecordFailed(
      refuses: replies != .dropped, endsStream: replies == .heldAndHalfClosed)
  }

  /// The decision of ext_authz is followed.
  mutating func followed() {
    guard case .undecided = state else { preconditionFailure("nothing was decided here") }
    state = .settledBefore
  }

  /// What is to be settled, and how; tell `settled` what came of it.
  struct Settle {
    let open: OpenAdmission
    let ending: Ending
  }

  /// The verdict was sent. Returned: what is settled at once, because no more of the answer comes.
  mutating func verdictSent() -> Settle? {
    switch state {
    case .released(let open, let answer) where answer == .own || answer == .unobserved:
      state = .over
      return Settle(open: open, ending: Self.ending(answer))
    case .released, .asking, .waiting, .undecided, .settledBefore, .unreleased,
      .settledUnrecorded, .over:
      return nil
    }
  }

  /// Response headers came. `status`: nil where it is none.
  mutating func answerBegan(status: Int?, from source: AnswerSource) {
    switch state {
    case .asking(let ticket, _, let isOver, let replies):
      state = .asking(
        ticket, .envoy(status: status, wasReached: false), isOver: isOver, replies)
    case .waiting(let open, _, let replies):
      // Envoy's own: no backend can have been asked before the verdict went out.
      state = .waiting(open, .envoy(status: status, wasReached: false), replies)
    case .released(let open, _):
      let answer: Answer =
        switch source {
        case .envoy(let wasReached): .envoy(status: status, wasReached: wasReached)
        // Where Envoy does not say, it is charged like a backend's.
        case .backend, .unknown: status.map { .backend(status: $0, .head) } ?? .none
        }
      state = .released(open, answer)
    case .undecided, .settledBefore, .unreleased, .settledUnrecorded, .over: break
    }
  }

  /// The client has the headers: some of a response's body came, or much time has passed.
  mutating func answerReachedClient() {
    if case .released(let open, .backend(let status, .head)) = state {
      state = .released(open, .backend(status: status, .body))
    }
  }

  /// The end of the answer came.
  mutating func answerEnded() -> Settle? {
    switch state {
    case .released(let open, .backend(let status, _)):
      state = .over
      return Settle(open: open, ending: Self.ending(.backend(status: status, .end)))
    case .asking(let ticket, let answer, _, let replies):
      state = .asking(ticket, answer, isOver: true, replies)
      return nil
    case .released, .waiting, .unreleased, .undecided, .settledBefore, .settledUnrecorded, .over:
      return settle()
    }
  }

  /// The stream ends without a verdict, by our failure: nothing that is held is sent any more.
  mutating func streamFailed() {
    switch state {
    case .asking(let ticket, let answer, let isOver, _):
      state = .asking(ticket, answer, isOver: isOver, .dropped)
    case .waiting(let open, let answer, _): state = .waiting(open, answer, .dropped)
    case .settledUnrecorded(let completion, _): state = .settledUnrecorded(completion, .dropped)
    case .undecided, .settledBefore, .unreleased, .released, .over: break
    }
  }

  /// The stream is over, however it ended.
  mutating func streamEnded() -> Settle? {
    streamFailed()
    return settle()
  }

  /// Envoy closed its half of the stream. True where the end has to wait for the held replies.
  mutating func halfClosed() -> Bool {
    switch state {
    case .asking(let ticket, let answer, let isOver, .held):
      state = .asking(ticket, answer, isOver: isOver, .heldAndHalfClosed)
      return true
    case .waiting(let open, let answer, .held):
      state = .waiting(open, answer, .heldAndHalfClosed)
      return true
    case .settledUnrecorded(let completion, .held):
      state = .settledUnrecorded(completion, .heldAndHalfClosed)
      return true
    case .asking(_, _, _, .heldAndHalfClosed), .waiting(_, _, .heldAndHalfClosed),
      .settledUnrecorded(_, .heldAndHalfClosed):
      return true
    case .asking(_, _, _, .dropped), .waiting(_, _, .dropped), .settledUnrecorded(_, .dropped),
      .undecided, .settledBefore,
      .unreleased, .released, .over:
      return false
    }
  }

  /// What `settle` came to. Returned: what to count now; nothing yet where the record's fate is open.
  enum Settled: Equatable {
    /// Count it; nil is an exchange that was undone, because its record failed.
    case count(Reference<Completion>?)
    case later
  }

  /// The books settled it.
  mutating func settled(_ completion: Reference<Completion>?) -> Settled {
    guard case .settledUnrecorded(_, let replies) = state else { return .count(completion) }
    state = .settledUnrecorded(completion, replies)
    return .later
  }

  /// What to do when the admission is on disk.
  struct Recorded: Equatable {
    /// To be counted: settled while it waited.
    var completion: Reference<Completion>?
    /// Send the held replies.
    var sendsReplies = false
    /// End the stream behind them.
    var endsStream = false
  }

  /// The admission is on disk.
  mutating func recorded() -> Recorded {
    switch state {
    case .waiting(let open, let answer, .dropped):
      state = .unreleased(open, answer)
      return Recorded()
    case .waiting(let open, let answer, let replies):
      state = .released(open, answer)
      return Recorded(sendsReplies: true, endsStream: replies == .heldAndHalfClosed)
    case .settledUnrecorded(let completion, let replies):
      state = .over
      return Recorded(
        completion: completion, sendsReplies: replies != .dropped,
        endsStream: replies == .heldAndHalfClosed)
    case .undecided, .settledBefore, .asking, .unreleased, .released, .over:
      preconditionFailure("a record is waited for once")
    }
  }

  /// What to do when the admission will never be on disk.
  struct RecordFailed: Equatable {
    /// Refuse the request, in place of the held replies.
    var refuses = false
    /// End the stream behind the refusal.
    var endsStream = false
  }

  /// The admission will never be on disk, and its reservation was undone. What was settled meanwhile
  /// is not on record either: what stands there is the refusal.
  mutating func recordFailed() -> RecordFailed {
    switch state {
    case .waiting(_, _, let replies), .settledUnrecorded(_, let replies):
      state = .over
      return RecordFailed(
        refuses: replies != .dropped, endsStream: replies == .heldAndHalfClosed)
    case .undecided, .settledBefore, .asking, .unreleased, .released, .over:
      preconditionFailure("a record is waited for once")
    }
  }

  // MARK: Endings

  private mutating func settle() -> Settle? {
    switch state {
    case .waiting(let open, let answer, let replies):
      state = .settledUnrecorded(nil, replies)
      return Settle(open: open, ending: .notReleased(status: Self.status(answer)))
    case .unreleased(let open, let answer):
      state = .over
      return Settle(open: open, ending: .notReleased(status: Self.status(answer)))
    case .released(let open, let answer):
      state = .over
      return Settle(open: open, ending: Self.ending(answer))
    case .undecided, .settledBefore, .asking, .settledUnrecorded, .over: return nil
    }
  }

  private static func status(_ answer: Answer) -> Int? {
    switch answer {
    case .envoy(let status, _): status
    case .backend(let status, _): status
    case .own, .unobserved, .none: nil
    }
  }

  /// Of an exchange whose verdict was sent.
  private static func ending(_ answer: Answer) -> Ending {
    switch answer {
    case .own: .answeredHere
    case .unobserved: .unobserved
    case .none: .noAnswer
    case .envoy(let status, wasReached: false): .unreached(status: status)
    case .envoy(let status, wasReached: true):
      status.map { .gatewayAnswer(status: $0) } ?? .noAnswer
    // Which status the client got is not known, but for an error, which it got in either case.
    case .backend(let status, .head) where status < 400: .noAnswer
    case .backend(let status, let seen): .backendAnswer(status: status, isWhole: seen == .end)
    }
  }
}
