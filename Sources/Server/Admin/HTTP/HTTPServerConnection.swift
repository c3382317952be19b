import Bytes
import Transport

/// One HTTP/1.1 connection without its socket: bytes and moments in, bytes out. Requests are
/// answered one after the other; while an answer waits to be taken, no further request is looked at.
struct HTTPServerConnection {
  private enum Phase {
    /// Between requests.
    case idle
    /// A request has begun.
    case receiving
    /// An answer is on its way.
    case answering(isLast: Bool)
    /// The last byte is out; the peer's end is awaited, so that a reset does not take our last bytes.
    case lingering
    case closed
  }

  private let limits: HTTPLimits
  private var parser: HTTPRequestParser
  private var phase = Phase.idle
  /// When the phase began.
  private(set) var since: MonotonicTime
  /// What is being sent: the whole answer, or its head and then its body.
  private(set) var output: [UInt8] = []
  /// A body that comes after it, not copied: the metrics of many tenants are tens of megabytes.
  private var nextOutput: [UInt8] = []
  /// Bodies of up to so many bytes are copied behind their heads, to be sent with them.
  private static let joinedBytesMax = 64 << 10
  /// How much of `output` has been sent.
  private(set) var sent = 0

  init(limits: HTTPLimits, now: MonotonicTime) {
    self.limits = limits
    parser = HTTPRequestParser(limits: limits)
    since = now
  }

  var unsentBytes: Int { output.count - sent + nextOutput.count }

  /// The socket is of no more use.
  var isClosed: Bool { if case .closed = phase { true } else { false } }

  /// Our direction is over.
  var isLingering: Bool { if case .lingering = phase { true } else { false } }

  /// It may go where room is needed: nothing is lost but a request that has not come.
  var awaitsRequest: Bool {
    switch phase {
    case .idle, .receiving, .lingering: true
    case .answering, .closed: false
    }
  }

  /// Something can be done as soon as the socket has room: bytes wait, or a request that is there.
  var wantsWrite: Bool { if case .answering = phase { true } else { false } }

  /// Input is taken: not while an answer is on its way.
  var wantsRead: Bool {
    switch phase {
    case .idle, .receiving, .lingering: true
    case .answering, .closed: false
    }
  }

  /// When patience ends.
  var deadline: MonotonicTime {
    switch phase {
    case .idle: since + limits.idleTimeout
    case .receiving: since + limits.headTimeout
    case .answering: since + limits.writeTimeout
    case .lingering: since + limits.lingerTimeout
    case .closed: since
    }
  }
}

// MARK: - What happens

extension HTTPServerConnection {
  /// What answers a request that has been understood.
  typealias Answer = (HTTPRequest) -> HTTPResponse

  /// Bytes came.
  mutating func received(
    _ bytes: ArraySlice<UInt8>, now: MonotonicTime, wallSeconds: Int64, _ answer: Answer
  ) {
    switch phase {
    case .idle, .receiving:
      parser.append(bytes)
      proceed(now, wallSeconds, answer)
    case .answering, .lingering, .closed:
      break
    }
  }

  /// The peer sends nothing more. Input is not read while an answer is on its way, so everything
  /// that was asked has been answered.
  mutating func peerFinished() {
    phase = .closed
  }

  /// The socket took `count` bytes more.
  mutating func took(_ count: Int) {
    sent += count
    precondition(sent <= output.count, "no more is sent than there is")
    guard sent == output.count, !nextOutput.isEmpty else { return }
    output = nextOutput
    nextOutput = []
    sent = 0
  }

  /// Every byte is out: the next request has its turn, or the connection its end.
  mutating func answered(now: MonotonicTime, wallSeconds: Int64, _ answer: Answer) {
    guard case .answering(let isLast) = phase, unsentBytes == 0 else { return }
    output = []
    sent = 0
    since = now
    phase = isLast ? .lingering : .idle
    if !isLast { proceed(now, wallSeconds, answer) }
  }

  /// The deadline has passed. A request that is late is told so; nothing else can be.
  mutating func timedOut(now: MonotonicTime, wallSeconds: Int64) {
    if case .receiving = phase {
      reply(HTTPFault.timeout.response, isHead: false, isLast: true, now, wallSeconds)
    } else {
      phase = .closed
    }
  }

  private mutating func proceed(_ now: MonotonicTime, _ wallSeconds: Int64, _ answer: Answer) {
    switch parser.next() {
    case .needsMore:
      if case .idle = phase, parser.waitingBytes > 0 {
        phase = .receiving
        since = now
      }
    case .request(let request):
      reply(
        answer(request), isHead: request.isHead, isLast: !request.keepsAlive, now, wallSeconds)
    case .fault(let fault):
      reply(fault.response, isHead: false, isLast: true, now, wallSeconds)
    }
  }

  private mutating func reply(
    _ response: HTTPResponse, isHead: Bool, isLast: Bool, _ now: MonotonicTime, _ wallSeconds: Int64
  ) {
    // Nobody waits for what follows an error of the client's own making.
    let closes = isLast || response.status == .misdirectedRequest
    output = response.head(closes: closes, wallSeconds: wallSeconds)
    // The answer to HEAD has the body's length, and no body.
    if !isHead {
      if response.body.count <= Self.joinedBytesMax {
        output += response.body
      } else {
        nextOutput = response.body
      }
    }
    sent = 0
    phase = .answering(isLast: closes)
    since = now
  }
}
