import EnvoyAPI
import Transport

/// The order of one ext_proc exchange as a value: what Envoy sent last decides what is done next.
/// No I/O, no clock, no bytes.
///
/// Envoy may leave out any phase (a request without a body, a body with or without trailers,
/// trailers without a body, a response without a request, an end anywhere). What it never does, and
/// what would let bytes past the inspection, fails the stream.
package struct ExchangeMachine: Sendable {
  /// A message of Envoy's (`ProcessingRequest`), by its kind.
  package enum Event: Equatable, Sendable {
    case requestHeaders(endOfStream: Bool)
    case requestBody(endOfStream: Bool)
    case requestTrailers
    case responseHeaders(endOfStream: Bool)
    case responseBody(endOfStream: Bool)
    case responseTrailers
  }

  /// What is to be done about it.
  package enum Action: Equatable, Sendable {
    /// Identify and authorize the path, then tell `headDecided`.
    case decideHead(endOfStream: Bool)
    /// The request's body is complete with this message: decide, then tell `bodyDecided`. The
    /// reply goes to `replyTo`; in full duplex everything held back goes with it.
    case decideBody(replyTo: ProcessingPhase, duplex: Bool)
    /// A piece of a full-duplex body: keep it, do not answer.
    case holdBody
    /// BUFFERED_PARTIAL gave us only the beginning: 413.
    case refusePartialBody
    /// Reply CONTINUE to this phase.
    case proceed(ProcessingPhase)
    /// Full duplex: send the body back as it came.
    case echo(ProcessingPhase, endOfStream: Bool)
    /// The response of an admitted exchange begins.
    case beginResponse
    /// A response on an exchange that has no admission: let Envoy's own answer pass, nothing else.
    case judgeUnadmittedResponse
    /// Nothing to do: refused already.
    case ignore
    case fail(GRPCFailure)
  }

  /// What came of the headers.
  package enum HeadOutcome: Sendable { case inspect, admitted, refused }

  /// How Envoy sends the request's body.
  private enum BodyHandling: Equatable { case whole, partial, duplex }

  private enum State: Equatable {
    case awaitingRequest
    case decidingHead
    case awaitingBody
    case decidingBody
    /// The request goes on; an inspected one has no more body to come.
    case admitted(wasInspected: Bool)
    /// The response has begun; what is not inspected may still have more request to come.
    case responding(wasInspected: Bool)
    case respondingUnadmitted
    case refused
    case failed
  }

  private var state = State.awaitingRequest
  /// The first message was seen.
  package private(set) var hasBegun = false
  /// `observability_mode`: Envoy waits for no reply and heeds none.
  package private(set) var isObserved = false
  /// The request body's mode, as the first message told it; and whether it told any.
  package private(set) var requestMode: BodyMode?
  package private(set) var knowsModes = false
  private var requestBody = BodyHandling.whole
  private var requestDuplex = false
  private var responseDuplex = false

  package init() {}

  /// The first message came.
  package mutating func began(_ modes: ProcessingRequest.BodyModes?, isObserved: Bool) {
    hasBegun = true
    self.isObserved = isObserved
    if let modes { configure(modes) }
  }

  /// The modes of the first message's `protocol_config`. Whether a request body in `request` mode
  /// can be inspected is `canInspect`'s to say.
  package mutating func configure(_ modes: ProcessingRequest.BodyModes) {
    switch modes.request {
    case .bufferedPartial: requestBody = .partial
    case .fullDuplexStreamed: requestBody = .duplex
    case .buffered, .some(.none), .streamed, .grpc, nil: requestBody = .whole
    }
    requestMode = modes.request
    knowsModes = true
    requestDuplex = modes.request == .fullDuplexStreamed
    responseDuplex = modes.response == .fullDuplexStreamed
  }

  /// Whether a request body sent in `mode` is seen whole before the request goes on. Unknown to an
  /// older Envoy (`nil` configuration) it is taken from what arrives.
  package static func canInspect(_ mode: BodyMode?) -> Bool {
    switch mode {
    case .buffered, .bufferedPartial, .fullDuplexStreamed: true
    case .some(.none), .streamed, .grpc, nil: false
    }
  }

  /// True from the moment the exchange is decided, either way.
  package var hasVerdict: Bool {
    switch state {
    case .admitted, .responding, .refused: true
    case .awaitingRequest, .decidingHead, .awaitingBody, .decidingBody, .respondingUnadmitted,
      .failed:
      false
    }
  }

  /// True where the verdict let the request go on.
  package var hasAdmission: Bool {
    switch state {
    case .admitted, .responding: true
    case .awaitingRequest, .decidingHead, .awaitingBody, .decidingBody, .respondingUnadmitted,
      .refused, .failed:
      false
    }
  }

  /// A response without an admission passes: one of Envoy's own, which has no verdict to wait for.
  package var isUnadmittedResponse: Bool { state == .respondingUnadmitted }

  /// Whether bytes of a request body are to be inspected now.
  package var inspectsBody: Bool { state == .awaitingBody }

  /// Whether request body bytes go straight back (full duplex, after the verdict).
  package var echoesRequest: Bool {
    requestDuplex
      && (state == .admitted(wasInspected: false) || state == .responding(wasInspected: false))
  }

  /// Whether response body bytes go straight back.
  package var echoesResponse: Bool {
    guard responseDuplex else { return false }
    return switch state {
    case .responding, .respondingUnadmitted: true
    case .awaitingRequest, .decidingHead, .awaitingBody, .decidingBody, .admitted, .refused,
      .failed:
      false
    }
  }

  /// Takes the next message and says what to do.
  package mutating func received(_ event: Event) -> Action {
    switch event {
    case .requestHeaders(let endOfStream):
      guard state == .awaitingRequest else { return outOfOrder() }
      state = .decidingHead
      return .decideHead(endOfStream: endOfStream)
    case .requestBody(let endOfStream): return receivedRequestBody(endOfStream)
    case .requestTrailers: return receivedRequestTrailers()
    case .responseHeaders: return receivedResponseHeaders()
    case .responseBody(let endOfStream):
      return receivedResponsePart(
        responseDuplex
          ? .echo(.responseBody, endOfStream: endOfStream) : .proceed(.responseBody))
    case .responseTrailers: return receivedResponsePart(.proceed(.responseTrailers))
    }
  }

  /// What came of `decideHead`.
  package mutating func headDecided(_ outcome: HeadOutcome) {
    precondition(state == .decidingHead)
    switch outcome {
    case .inspect: state = .awaitingBody
    case .admitted: state = .admitted(wasInspected: false)
    case .refused: state = .refused
    }
  }

  /// What came of `decideBody`.
  package mutating func bodyDecided(admitted: Bool) {
    precondition(state == .decidingBody)
    state = admitted ? .admitted(wasInspected: true) : .refused
  }

  /// An ImmediateResponse was sent outside of the two decisions.
  package mutating func refused() { state = .refused }

  private mutating func receivedRequestBody(_ endOfStream: Bool) -> Action {
    switch state {
    case .awaitingBody:
      switch requestBody {
      case .duplex where !endOfStream: return .holdBody
      case .partial where !endOfStream:
        state = .decidingBody
        return .refusePartialBody
      case .duplex, .partial, .whole:
        state = .decidingBody
        return .decideBody(
          replyTo: requestDuplex ? .requestHeaders : .requestBody, duplex: requestDuplex)
      }
    case .admitted(wasInspected: true), .responding(wasInspected: true):
      // The verdict was on the body that came; Envoy has no second one in a mode that can be
      // inspected. An old one that streams and tells no mode would send the rest unread.
      return outOfOrder()
    case .admitted(wasInspected: false), .responding(wasInspected: false):
      // A path that is not inspected: whatever the mode, the body passes, and beside the response
      // too where both stream (gRPC).
      return requestDuplex
        ? .echo(.requestBody, endOfStream: endOfStream) : .proceed(.requestBody)
    case .refused: return .ignore
    case .awaitingRequest, .decidingHead, .decidingBody, .respondingUnadmitted, .failed:
      return outOfOrder()
    }
  }

  private mutating func receivedRequestTrailers() -> Action {
    switch state {
    case .awaitingBody:
      // A full-duplex body ends with its trailers; any other has not come at all and is empty.
      state = .decidingBody
      return .decideBody(
        replyTo: requestDuplex ? .requestHeaders : .requestTrailers, duplex: requestDuplex)
    case .admitted, .responding: return .proceed(.requestTrailers)
    case .refused: return .ignore
    case .awaitingRequest, .decidingHead, .decidingBody, .respondingUnadmitted, .failed:
      return outOfOrder()
    }
  }

  private mutating func receivedResponseHeaders() -> Action {
    switch state {
    case .admitted(let wasInspected):
      state = .responding(wasInspected: wasInspected)
      return .beginResponse
    case .awaitingRequest, .awaitingBody:
      state = .respondingUnadmitted
      return .judgeUnadmittedResponse
    case .refused: return .proceed(.responseHeaders)
    case .decidingHead, .decidingBody, .responding, .respondingUnadmitted, .failed:
      return outOfOrder()
    }
  }

  private mutating func receivedResponsePart(_ action: Action) -> Action {
    switch state {
    case .responding, .respondingUnadmitted, .refused: return action
    case .admitted(let wasInspected):
      // `response_header_mode: SKIP`: nothing comes before the body or the trailers.
      state = .responding(wasInspected: wasInspected)
      return action
    case .awaitingRequest, .awaitingBody, .decidingHead, .decidingBody, .failed:
      return outOfOrder()
    }
  }

  private mutating func outOfOrder() -> Action {
    state = .failed
    return .fail(GRPCFailure(.failedPrecondition, "a message out of order"))
  }
}
