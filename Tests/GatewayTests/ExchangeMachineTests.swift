import EnvoyAPI
import Testing
import Transport

@testable import Gateway

/// What the driver would do with an exchange: decisions are answered as the scenario says.
private struct Scenario {
  var machine = ExchangeMachine()
  var head: ExchangeMachine.HeadOutcome
  var bodyAdmits = true

  init(
    _ head: ExchangeMachine.HeadOutcome, bodyAdmits: Bool = true, request: BodyMode? = .buffered,
    response: BodyMode? = .streamed
  ) {
    self.head = head
    self.bodyAdmits = bodyAdmits
    machine.configure(.init(request: request, response: response))
  }

  mutating func run(_ events: [ExchangeMachine.Event]) -> [ExchangeMachine.Action] {
    events.map { event in
      let action = machine.received(event)
      switch action {
      case .decideHead: machine.headDecided(head)
      case .decideBody: machine.bodyDecided(admitted: bodyAdmits)
      case .refusePartialBody: machine.bodyDecided(admitted: false)
      case .holdBody, .proceed, .echo, .beginResponse, .judgeUnadmittedResponse, .ignore, .fail:
        break
      }
      return action
    }
  }
}

private let outOfOrder = ExchangeMachine.Action.fail(
  GRPCFailure(.failedPrecondition, "a message out of order"))

@Suite struct ExchangeMachineTests {
  @Test func `a buffered request and a streamed response go through every phase`() {
    var scenario = Scenario(.inspect)
    let actions = scenario.run([
      .requestHeaders(endOfStream: false), .requestBody(endOfStream: true),
      .responseHeaders(endOfStream: false), .responseBody(endOfStream: false),
      .responseBody(endOfStream: true), .responseTrailers,
    ])
    #expect(
      actions == [
        .decideHead(endOfStream: false), .decideBody(replyTo: .requestBody, duplex: false),
        .beginResponse, .proceed(.responseBody), .proceed(.responseBody),
        .proceed(.responseTrailers),
      ])
    #expect(scenario.machine.hasVerdict)
  }

  @Test func `a buffered body is whole whatever its end of stream says, and trailers may follow`() {
    var scenario = Scenario(.inspect)
    let actions = scenario.run([
      .requestHeaders(endOfStream: false), .requestBody(endOfStream: false), .requestTrailers,
    ])
    #expect(
      actions == [
        .decideHead(endOfStream: false), .decideBody(replyTo: .requestBody, duplex: false),
        .proceed(.requestTrailers),
      ])
  }

  @Test func `trailers without a body decide on an empty one`() {
    var scenario = Scenario(.inspect, bodyAdmits: false)
    let actions = scenario.run([.requestHeaders(endOfStream: false), .requestTrailers])
    #expect(
      actions == [
        .decideHead(endOfStream: false), .decideBody(replyTo: .requestTrailers, duplex: false),
      ])
    #expect(scenario.machine.hasVerdict)
    #expect(!scenario.machine.hasAdmission)
  }

  @Test func `a partial body is refused, a complete one in that mode is not`() {
    var partial = Scenario(.inspect, request: .bufferedPartial)
    #expect(
      partial.run([.requestHeaders(endOfStream: false), .requestBody(endOfStream: false)])
        == [.decideHead(endOfStream: false), .refusePartialBody])
    var complete = Scenario(.inspect, request: .bufferedPartial)
    #expect(
      complete.run([.requestHeaders(endOfStream: false), .requestBody(endOfStream: true)])
        == [
          .decideHead(endOfStream: false), .decideBody(replyTo: .requestBody, duplex: false),
        ])
  }

  @Test func `a full-duplex body is held until its end, and answered at the headers`() {
    var scenario = Scenario(.inspect, request: .fullDuplexStreamed, response: .fullDuplexStreamed)
    let actions = scenario.run([
      .requestHeaders(endOfStream: false), .requestBody(endOfStream: false),
      .requestBody(endOfStream: true), .responseHeaders(endOfStream: false),
      .responseBody(endOfStream: false), .responseBody(endOfStream: true),
    ])
    #expect(
      actions == [
        .decideHead(endOfStream: false), .holdBody,
        .decideBody(replyTo: .requestHeaders, duplex: true), .beginResponse,
        .echo(.responseBody, endOfStream: false), .echo(.responseBody, endOfStream: true),
      ])
  }

  @Test func `a full-duplex body may end with trailers`() {
    var scenario = Scenario(.inspect, request: .fullDuplexStreamed, response: .fullDuplexStreamed)
    let actions = scenario.run([
      .requestHeaders(endOfStream: false), .requestBody(endOfStream: false), .requestTrailers,
    ])
    #expect(actions.last == .decideBody(replyTo: .requestHeaders, duplex: true))
  }

  @Test func `an uninspected path passes its body in any mode`() {
    for (mode, expected) in [
      (BodyMode.streamed, ExchangeMachine.Action.proceed(.requestBody)),
      (.buffered, .proceed(.requestBody)),
      (.fullDuplexStreamed, .echo(.requestBody, endOfStream: false)),
    ] {
      var scenario = Scenario(.admitted, request: mode)
      let actions = scenario.run([
        .requestHeaders(endOfStream: false), .requestBody(endOfStream: false),
      ])
      #expect(actions == [.decideHead(endOfStream: false), expected])
    }
  }

  @Test func `an uninspected request may go on beside its response`() {
    for (mode, expected) in [
      (BodyMode.streamed, ExchangeMachine.Action.proceed(.requestBody)),
      (.fullDuplexStreamed, .echo(.requestBody, endOfStream: false)),
    ] {
      var scenario = Scenario(.admitted, request: mode)
      let actions = scenario.run([
        .requestHeaders(endOfStream: false), .requestBody(endOfStream: false),
        .responseHeaders(endOfStream: false), .requestBody(endOfStream: false),
        .responseBody(endOfStream: false), .requestTrailers, .responseTrailers,
      ])
      #expect(
        actions == [
          .decideHead(endOfStream: false), expected, .beginResponse, expected,
          .proceed(.responseBody), .proceed(.requestTrailers), .proceed(.responseTrailers),
        ])
    }
  }

  @Test func `an inspected request has no body beside its response`() {
    var scenario = Scenario(.inspect, request: .fullDuplexStreamed)
    let actions = scenario.run([
      .requestHeaders(endOfStream: false), .requestBody(endOfStream: true),
      .responseHeaders(endOfStream: false), .requestBody(endOfStream: true),
    ])
    #expect(actions.last == outOfOrder)
    #expect(!scenario.machine.hasVerdict)
  }

  @Test func `an admitted response may begin with its body or its trailers`() {
    for (first, expected) in [
      (
        ExchangeMachine.Event.responseBody(endOfStream: false),
        ExchangeMachine.Action.proceed(.responseBody)
      ),
      (.responseTrailers, .proceed(.responseTrailers)),
    ] {
      var scenario = Scenario(.inspect)
      let actions = scenario.run([
        .requestHeaders(endOfStream: false), .requestBody(endOfStream: true), first, first,
      ])
      #expect(Array(actions.suffix(2)) == [expected, expected])
      #expect(scenario.machine.received(.responseHeaders(endOfStream: false)) == outOfOrder)
    }
  }

  @Test func `after a refusal nothing of the request is answered again`() {
    var scenario = Scenario(.refused)
    let actions = scenario.run([
      .requestHeaders(endOfStream: false), .requestBody(endOfStream: true), .requestTrailers,
      .responseHeaders(endOfStream: false), .responseBody(endOfStream: true),
    ])
    #expect(
      actions == [
        .decideHead(endOfStream: false), .ignore, .ignore, .proceed(.responseHeaders),
        .proceed(.responseBody),
      ])
    #expect(scenario.machine.hasVerdict)
  }

  @Test func `a response without an admission is judged, never begun`() {
    for events in [
      [ExchangeMachine.Event.responseHeaders(endOfStream: false)],
      [.requestHeaders(endOfStream: false), .responseHeaders(endOfStream: true)],
    ] {
      var scenario = Scenario(.inspect)
      #expect(scenario.run(events).last == .judgeUnadmittedResponse)
      #expect(!scenario.machine.hasVerdict)
    }
  }

  /// Every pair of events that no Envoy sends: the stream fails and has no verdict from it.
  @Test(arguments: [
    [ExchangeMachine.Event.requestBody(endOfStream: true)],
    [.requestTrailers],
    [.responseBody(endOfStream: true)],
    [.responseTrailers],
    [.requestHeaders(endOfStream: false), .requestHeaders(endOfStream: false)],
    [.requestHeaders(endOfStream: false), .responseBody(endOfStream: false)],
    [.requestHeaders(endOfStream: false), .responseTrailers],
    [.responseHeaders(endOfStream: false), .requestBody(endOfStream: false)],
    [.responseHeaders(endOfStream: false), .responseHeaders(endOfStream: false)],
  ])
  func `a message out of order fails the stream`(_ events: [ExchangeMachine.Event]) {
    var scenario = Scenario(.inspect)
    #expect(scenario.run(events).last == outOfOrder)
    #expect(!scenario.machine.hasVerdict)
  }

  @Test(arguments: [BodyMode.buffered, .bufferedPartial, .fullDuplexStreamed, nil])
  func `after its verdict an inspected exchange has no second body`(_ mode: BodyMode?) {
    var scenario = Scenario(.inspect, request: mode)
    let actions = scenario.run([
      .requestHeaders(endOfStream: false), .requestBody(endOfStream: true),
      .requestBody(endOfStream: true),
    ])
    #expect(actions.last == outOfOrder)
    #expect(!scenario.machine.hasVerdict)
  }

  @Test func `a verdict is there exactly from the decision on`() {
    var scenario = Scenario(.inspect)
    #expect(!scenario.machine.hasVerdict)
    _ = scenario.run([.requestHeaders(endOfStream: false)])
    #expect(!scenario.machine.hasVerdict)
    _ = scenario.run([.requestBody(endOfStream: true)])
    #expect(scenario.machine.hasVerdict)
  }

  @Test func `only modes that show the whole body first can be inspected`() {
    #expect(ExchangeMachine.canInspect(.buffered))
    #expect(ExchangeMachine.canInspect(.bufferedPartial))
    #expect(ExchangeMachine.canInspect(.fullDuplexStreamed))
    #expect(!ExchangeMachine.canInspect(.streamed))
    #expect(!ExchangeMachine.canInspect(BodyMode.none))
    #expect(!ExchangeMachine.canInspect(.grpc))
    #expect(!ExchangeMachine.canInspect(nil))
  }
}
