import Bytes
import Transport

/// One HTTP/1.1 connection without its socket: bytes and times in, bytes out. Requests are answered
/// one after the other; while an answer is being sent, no further request is read.
///
/// A value, without sockets and clocks.
struct HTTPServerConnection {
  private enum Phase {
    /// Between requests.
    case idle
    /// A request has begun.
    case receiving
    /// An answer is being sent; the last one ends the connection.
    case answering(isLast: Bool)
    /// Our last byte is sent, and the peer's close is waited for: closing a socket with unread
    /// input resets the connection, and the peer would lose our last bytes.
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
  /// A large body that follows `output`, without a copy: the metrics of many tenants are tens of
  /// megabytes.
  private var nextOutput: [UInt8] = []
  /// Bodies of at most this size are copied behind their heads, so that both go in one write.
  private static let joinedBytesMax = 64 << 10
  /// How much of `output` has been sent.
  private(set) var sent = 0

  init(limits: HTTPLimits, now: MonotonicTime) {
    self.limits = limits
    parser = HTTPRequestParser(limits: limits)
    since = now
  }

  /// What is to be sent and the socket has not taken yet.
  var unsentBytes: Int { output.count - sent + nextOutput.count }

  /// Whether the socket is to be closed.
  var isClosed: Bool { if case .closed = phase { true } else { false } }

  /// Whether our direction of the socket is to be shut down.
  var isLingering: Bool { if case .lingering = phase { true } else { false } }

  /// Whether an answer is on its way: it goes on when the socket is writable.
  var wantsWrite: Bool { if case .answering = phase { true } else { false } }

  /// Whether input is read: not while an answer is on its way. Such a connection may be closed
  /// where room is needed, because at most a request that is not complete is lost.
  var wantsRead: Bool {
    switch phase {
    case .idle, .receiving, .lingering: true
    case .answering, .closed: false
    }
  }

  /// When the timeout of the phase ends: `timedOut` is then to be called.
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
  /// What answers a request.
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
    precondition(sent <= output.count, "no more is sent than there was")
    guard sent == output.count, !nextOutput.isEmpty else { return }
    output = nextOutput
    nextOutput = []
    sent = 0
  }

  /// After `took`: where the whole answer is sent, answers the next request or ends the connection.
  mutating func answered(now: MonotonicTime, wallSeconds: Int64, _ answer: Answer) {
    guard case .answering(let isLast) = phase, unsentBytes == 0 else { return }
    output = []
    sent = 0
    since = now
    phase = isLast ? .lingering : .idle
    if !isLast { proceed(now, wallSeconds, answer) }
  }

  /// The deadline has passed: a request that is not complete is answered with 408, anything else is
  /// closed.
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
    // After 421 the client is expected to use another connection.
    let closes = isLast || response.status == .misdirectedRequest
    output = response.head(closes: closes, wallSeconds: wallSeconds)
    // The answer to HEAD has the body's length in its head, and no body.
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
