/// One client's connection as a state machine: the client's bytes and the time go in, bytes to send
/// and an ending come out. It does no I/O and reads no clock; times are nanoseconds of any
/// monotonic clock.
final class Connection {
  /// How the socket is to be closed, once `output` is sent.
  enum Ending {
    case close
    /// With RST instead of FIN, and at once: `output` is not waited for.
    case reset
  }

  /// While this much output waits for the client to read, no more events are made.
  static let outputBytesHigh = 256 * 1024
  /// How long the rest of a refused request is read and dropped. Closing with unread bytes would
  /// send RST, and the client could lose the answer.
  static let discardNanoseconds: UInt64 = 2_000_000_000

  private enum Phase {
    /// A request, or waiting for the next one.
    case reading
    /// Until the answer's head is due.
    case waiting(Reply, until: UInt64)
    case streaming(EventStream)
    /// By `x-sim-stall`: the answer stays unfinished.
    case stalled
    /// The rest of a refused request.
    case discarding(until: UInt64)
    case ended(Ending)
  }

  private let backend: Backend
  private var parser = RequestParser()
  private var input: ArraySlice<UInt8> = []
  private var phase = Phase.reading
  /// The log's entry of the request under way; nil between requests and for the simulator's own
  /// paths.
  private var entry: LoggedRequest?
  private var keepsAlive = true
  private var behaviour: Behaviour?
  /// Whether the request's method is HEAD, whose answer has no body.
  private var isHead = false
  private var isDraining = false
  /// What is to be sent; its first `outputSent` bytes are sent already.
  private(set) var output: [UInt8] = []
  private(set) var outputSent = 0

  init(backend: Backend) { self.backend = backend }

  var hasOutput: Bool { outputSent < output.count }

  /// Set when the connection is over.
  var ending: Ending? {
    if case .ended(let ending) = phase { return ending }
    return nil
  }

  /// Whether to read from the client now.
  var wantsInput: Bool {
    switch phase {
    case .reading, .discarding: true
    case .waiting, .streaming, .stalled, .ended: false
    }
  }

  /// When `advance` must be called even if nothing arrives; nil for never.
  var deadline: UInt64? {
    switch phase {
    case .waiting(_, let until), .discarding(let until): until
    case .streaming(let stream): stream.deadline
    case .reading, .stalled, .ended: nil
    }
  }

  /// Whether `advance` would make more output at once, now that `output` is sent.
  func hasMore(now: UInt64) -> Bool {
    switch phase {
    case .streaming(let stream): stream.deadline.map { $0 <= now } ?? true
    case .reading, .waiting, .stalled, .discarding, .ended: false
    }
  }

  /// This many more bytes of `output` were sent.
  func didSend(_ count: Int) {
    outputSent += count
    guard outputSent == output.count else { return }
    output.removeAll(keepingCapacity: output.count <= Connection.outputBytesHigh)
    outputSent = 0
  }

  /// Bytes of the client arrived. `advance` reads them.
  func received(_ bytes: ArraySlice<UInt8>) {
    if case .discarding = phase { return }
    if input.isEmpty { input = bytes } else { input.append(contentsOf: bytes) }
  }

  /// The client closed its side, or the connection failed.
  func receivedEnd() {
    if let entry, entry.outcome == .open { entry.outcome = .abandoned }
    phase = .ended(.close)
  }

  /// The program ends: the request under way is answered, no other is read.
  func drain() {
    isDraining = true
    keepsAlive = false
    if case .reading = phase, entry == nil { phase = .ended(.close) }
  }

  /// Does what can be done with the input received, the time, and the room in `output`.
  func advance(now: UInt64) {
    var goesOn = true
    while goesOn {
      switch phase {
      case .reading: goesOn = read(now: now)
      case .waiting(let reply, let until):
        goesOn = now >= until
        if goesOn { begin(reply, now: now) }
      case .streaming(var stream):
        goesOn = false
        while output.count - outputSent < Connection.outputBytesHigh, let piece = stream.next(now) {
          output.append(contentsOf: piece)
        }
        phase = .streaming(stream)
        if let end = stream.end { leave(end) }
      case .discarding(let until):
        goesOn = false
        if now >= until { phase = .ended(.close) }
      case .stalled, .ended: goesOn = false
      }
    }
  }

  /// Takes the next step in reading a request; false when nothing more can be read now.
  private func read(now: UInt64) -> Bool {
    do {
      switch try parser.next(&input) {
      case .needsInput:
        return false
      case .head(let expectsContinue):
        recordHead()
        if expectsContinue { output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8) }
      case .complete:
        recordHead()
        answer(parser.current, now: now)
      }
      return true
    } catch {
      let reply = Reply(json: ["error": ["message": "the request cannot be read"]])
      keepsAlive = false
      writeHead(reply, status: error.status, length: 0)
      entry?.outcome = .complete
      input = []
      phase = .discarding(until: now + Connection.discardNanoseconds)
      return false
    }
  }

  private func recordHead() {
    guard entry == nil, !Backend.isOwn(parser.current.path) else { return }
    entry = backend.record(parser.current)
  }

  private func answer(_ request: Request, now: UInt64) {
    let behaviour = Behaviour(request)
    self.behaviour = behaviour
    keepsAlive = request.keepsAlive && !isDraining
    isHead = request.method == "HEAD"
    let reply = backend.reply(to: request, behaviour, entry: entry)
    var wait = Double(behaviour.delayMilliseconds) * 1e6
    if case .whole = reply.body, let rate = behaviour.tokensPerSecond {
      wait += Double(reply.tokens) / rate * 1e9
    }
    phase = .waiting(reply, until: now + UInt64(wait))
  }

  private func begin(_ reply: Reply, now: UInt64) {
    guard let behaviour, !behaviour.resets else {
      entry?.outcome = .reset
      phase = .ended(.reset)
      return
    }
    switch reply.body {
    case .events(let script):
      writeHead(reply, status: reply.status, length: nil)
      let allowed = behaviour.step.map { name in { [backend] in backend.steps(name) } }
      phase = .streaming(EventStream(script, behaviour, startedAt: now, allowed: allowed))
    case .whole(let bytes):
      writeHead(reply, status: reply.status, length: bytes.count)
      let stop: EventStream.End? =
        behaviour.cutAfterTokens != nil ? .cut : behaviour.stallAfterTokens != nil ? .stall : nil
      // Of an answer in one piece, `x-sim-cut` and `x-sim-stall` send the first half.
      if !isHead {
        output.append(contentsOf: stop == nil ? bytes[...] : bytes.prefix(bytes.count / 2))
      }
      leave(stop ?? .complete)
    }
  }

  private func leave(_ end: EventStream.End) {
    switch end {
    case .cut:
      entry?.outcome = .cut
      phase = .ended(.close)
    case .stall:
      phase = .stalled
    case .complete:
      entry?.outcome = .complete
      entry = nil
      behaviour = nil
      phase = keepsAlive ? .reading : .ended(.close)
    }
  }

  private func writeHead(_ reply: Reply, status: Int, length: Int?) {
    var head = "HTTP/1.1 \(status) \(status < 400 ? "OK" : "Error")\r\n"
    head += "content-type: \(reply.contentType)\r\n"
    for (name, value) in reply.headers where !value.isEmpty { head += "\(name): \(value)\r\n" }
    head += length.map { "content-length: \($0)\r\n" } ?? "transfer-encoding: chunked\r\n"
    if !keepsAlive { head += "connection: close\r\n" }
    output.append(contentsOf: (head + "\r\n").utf8)
  }
}
