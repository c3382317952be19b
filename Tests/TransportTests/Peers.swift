import Bytes

@testable import Transport

/// What a handler was told, in order; pieces of a message are joined.
enum HandlerEvent: Equatable {
  case message([UInt8])
  case halfClosed
  case ended(CallTermination)
}

/// A handler that writes down what it is told and does what the test says.
final class ScriptedHandler: CallHandler {
  var events: [HandlerEvent] = []
  var call: Call?
  private var partial: [UInt8] = []
  private var expected = 0
  var pieces = 0
  var onMessage: (([UInt8], Call) -> Void)?
  var onHalfClosed: ((Call) -> Void)?
  var onEnded: ((CallTermination) -> Void)?
  /// Keeps the call beyond its end.
  var keepsCall = true

  func message(_ bytes: Span<UInt8>, on call: Call) {
    if keepsCall { self.call = call }
    receive([UInt8](span: bytes), call)
  }

  func messageStarted(size: Int, on call: Call) {
    if keepsCall { self.call = call }
    partial = []
    expected = size
  }

  func messageBytes(_ bytes: Span<UInt8>, on call: Call) {
    precondition(!bytes.isEmpty)
    pieces += 1
    partial.append(bytes)
  }

  func messageEnded(on call: Call) {
    precondition(partial.count == expected)
    receive(partial, call)
  }

  func halfClosed(on call: Call) {
    events.append(.halfClosed)
    onHalfClosed?(call)
  }

  func ended(_ how: CallTermination, on call: Call) {
    events.append(.ended(how))
    onEnded?(how)
  }

  private func receive(_ bytes: [UInt8], _ call: Call) {
    events.append(.message(bytes))
    onMessage?(bytes, call)
  }

  var messages: [[UInt8]] {
    events.compactMap { if case .message(let bytes) = $0 { bytes } else { nil } }
  }
  var endings: [CallTermination] {
    events.compactMap { if case .ended(let how) = $0 { how } else { nil } }
  }
}

/// Hands out scripted handlers for every path below `/t.T/`.
final class ScriptedRouter: CallRouter {
  var handlers: [ScriptedHandler] = []
  var paths: [String] = []
  var script: (ScriptedHandler) -> Void

  init(_ script: @escaping (ScriptedHandler) -> Void = { _ in }) { self.script = script }

  func handler(path: Span<UInt8>) -> (any CallHandler)? {
    let text = String(decoding: [UInt8](span: path), as: UTF8.self)
    paths.append(text)
    guard text.hasPrefix("/t.T/") else { return nil }
    let handler = ScriptedHandler()
    script(handler)
    handlers.append(handler)
    return handler
  }
}

extension ScriptedRouter {
  /// Answers each call's first message with the same bytes and ends well.
  static func unaryEcho() -> ScriptedRouter {
    ScriptedRouter {
      $0.onMessage = { bytes, call in
        call.send(bytes.span)
        call.finish(.ok)
      }
    }
  }

  /// Sends each message back and ends well when the client has half-closed.
  static func streamEcho() -> ScriptedRouter {
    ScriptedRouter {
      $0.onMessage = { bytes, call in call.send(bytes.span) }
      $0.onHalfClosed = { call in call.finish(.ok) }
    }
  }
}

/// A server connection and a client that talk through memory.
final class Wire {
  let router: ScriptedRouter
  let budget: BufferBudget
  let server: ServerConnection
  let client: ClientConnection
  var now = MonotonicTime(nanoseconds: 1_000_000_000)
  /// Everything the server has written.
  var fromServer: [UInt8] = []
  /// Bytes given to the server at once.
  var serverStep = Int.max
  /// While false, the client gets no answers and so returns no windows of its own; what lets it
  /// send (SETTINGS, WINDOW_UPDATE, PING) still reaches it.
  var clientReads = true
  private var unread: [UInt8] = []

  init(
    _ router: ScriptedRouter, limits: TransportLimits = TransportLimits(),
    clientLimits: TransportLimits = TransportLimits()
  ) {
    self.router = router
    budget = BufferBudget(limit: limits.processBufferBytesMax)
    server = ServerConnection(router: router, limits: limits, budget: budget, now: now)
    client = ClientConnection(limits: clientLimits)
  }

  /// Feeds the server, in steps of `serverStep`.
  func feedServer(_ bytes: [UInt8]) {
    var offset = 0
    while offset < bytes.count {
      let count = min(serverStep, bytes.count - offset)
      server.receive(bytes.span.extracting(offset..<offset + count), now: now)
      offset += count
    }
  }

  /// The client's output now.
  func clientOutput() -> [UInt8] {
    var bytes: [UInt8] = []
    while client.fillOutput(&bytes, target: bytes.count + 65536) {}
    return bytes
  }

  /// The server's output now.
  func serverOutput(target: Int = 65536) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      var piece: [UInt8] = []
      let isMore = server.fillOutput(&piece, target: target)
      bytes += piece
      if !isMore || piece.isEmpty { break }
    }
    fromServer += bytes
    return bytes
  }

  private func feedClient(_ bytes: [UInt8]) {
    guard !clientReads else {
      let all = unread + bytes
      unread = []
      return client.receive(all.span)
    }
    for frame in Frame.parse(bytes) {
      if frame.is(.settings) || frame.is(.windowUpdate) || frame.is(.ping) {
        client.receive(frame.bytes.span)
      } else {
        unread += frame.bytes
      }
    }
  }

  /// Carries bytes both ways until neither side has any for the other.
  func run() {
    while true {
      let up = clientOutput()
      if !up.isEmpty { feedServer(up) }
      let down = serverOutput()
      let wasKept = clientReads && !unread.isEmpty
      feedClient(down)
      _ = server.tick(now: now)
      if up.isEmpty && down.isEmpty && !wasKept && !server.wantsWrite { return }
    }
  }

  func advance(_ duration: Duration) {
    now = now.advanced(by: duration)
    _ = server.tick(now: now)
  }
}
