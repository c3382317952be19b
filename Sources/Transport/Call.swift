import Bytes

/// One gRPC call on one HTTP/2 stream.
///
/// On its loop's thread. A call may be kept beyond its end: what is asked of it then has no effect.
///
/// Here and in `ServerSession`, the properties that every message touches are not checked for
/// exclusivity at run time (`@exclusivity(unchecked)`), because the checks took a tenth of the CPU
/// of a short call. They would find nothing: one thread has both objects, and no such property is
/// passed `inout` to a function that can reach its owner.
package final class Call {
  /// How far our side of the stream is.
  enum Phase {
    /// Messages may be sent.
    case open
    /// `finish` was called, or the transport ended the call: the output that waits is sent, then
    /// the trailers.
    case finishing(CallEnd)
    /// The trailers were sent, or never will be.
    case closed
  }

  /// Which response headers were given to nghttp2.
  enum Response {
    case none
    /// Headers and a body of messages, with trailers to follow.
    case messages
    /// A plain HTTP answer, whose body ends the stream.
    case plain
  }

  /// nil once the stream is gone, which also ends the reference cycle.
  var session: ServerSession?
  let streamID: Int32
  /// Its place in the session's `calls`.
  let slot: Int32
  /// nil once it was told that the call has ended.
  @safe @exclusivity(unchecked) var handler: (any CallHandler)?
  @safe @exclusivity(unchecked) var phase = Phase.open
  @safe @exclusivity(unchecked) var response = Response.none
  @safe @exclusivity(unchecked) var deframer: MessageDeframer
  /// The request's `grpc-encoding`.
  var encoding = RequestHead.Encoding.absent
  /// When the request's `grpc-timeout` has passed.
  var deadline = MonotonicTime.never
  /// By when the first message must have begun; `.never` once it has.
  var firstMessageBy = MonotonicTime.never

  /// What is not sent yet, from `outputSent` on.
  @safe @exclusivity(unchecked) var output: [UInt8] = []
  var outputSent = 0
  /// How many bytes of the message that `beginMessage` began are not appended yet.
  var messageBytesLeft = 0
  /// nghttp2 asked for output and there was none: it must be told when there is.
  var isBodyDeferred = false
  /// When output was sent last, or began to wait.
  var outputMovedAt: MonotonicTime

  /// The bytes that the handler keeps, as it has accounted for them.
  var retained = 0
  /// Those and the unsent output together: what is accounted to the stream.
  var buffered = 0
  /// Bytes of DATA whose stream window is not returned to the peer yet.
  var unreturned = 0

  // What nghttp2's callbacks note at once, before the events are processed.

  /// nghttp2 has closed the stream.
  var isStreamGone = false
  /// END_STREAM has come.
  var remoteEnded = false
  /// Our END_STREAM was sent.
  var trailersSent = false
  /// The error code of the peer's RST_STREAM.
  var peerReset: UInt32?
  /// A compressed message was refused: the trailers say which encodings are accepted.
  var advertisesEncodings = false

  init(session: ServerSession, streamID: Int32, slot: Int32, output: [UInt8]) {
    self.session = session
    self.streamID = streamID
    self.slot = slot
    self.output = output
    self.deframer = MessageDeframer(messageBytesMax: session.limits.messageBytesMax)
    self.outputMovedAt = session.movedNow
  }

  /// The bytes of output that are not sent yet.
  var unsent: Int { output.count - outputSent }

  /// False once the stream is gone or `finish` was called: what is sent then is dropped.
  package var isOpen: Bool {
    guard !isStreamGone, session != nil, case .open = phase else { return false }
    return true
  }

  /// How our side ended the call; nil while the call is open, and where it was reset instead.
  package var end: CallEnd? {
    guard case .finishing(let end) = phase else { return nil }
    return end
  }

  /// Sends one whole message, with its 5-byte prefix. The bytes are copied.
  package func send(_ message: Span<UInt8>) {
    guard isOpen, let session else { return }
    precondition(messageBytesLeft == 0, "a message within a message")
    guard session.account(self, message.count + 5) else { return session.overflow(self) }
    appendPrefix(message.count)
    output.append(message)
    session.outputGrew(self)
  }

  /// Begins to send one message of `size` bytes in pieces, which `append` adds.
  package func beginMessage(size: Int) {
    guard isOpen, let session else { return }
    precondition(messageBytesLeft == 0, "a message within a message")
    guard session.account(self, 5) else { return session.overflow(self) }
    appendPrefix(size)
    messageBytesLeft = size
    session.outputGrew(self)
  }

  /// Sends the next bytes of the message that `beginMessage` began; never more than its size in
  /// all.
  package func append(_ bytes: Span<UInt8>) {
    guard isOpen, let session else { return }
    precondition(bytes.count <= messageBytesLeft, "more bytes than the message's size")
    guard session.account(self, bytes.count) else { return session.overflow(self) }
    messageBytesLeft -= bytes.count
    if unsent == 0 { outputMovedAt = session.movedNow }
    output.append(bytes)
    session.outputGrew(self)
  }

  /// Ends the call: trailers are sent after all output. Where no message was sent, they are the
  /// whole answer (Trailers-Only). Only a failure may end the call within a message.
  package func finish(_ end: CallEnd) {
    guard isOpen, let session else { return }
    if case .ok = end {
      precondition(messageBytesLeft == 0, "a call ends with OK within a message")
    }
    session.finish(self, end)
  }

  /// Accounts for bytes that the handler keeps (body buffers), against the limits of the stream,
  /// the connection and the process. False where that is over a limit: nothing is accounted, and
  /// the handler must end the call with RESOURCE_EXHAUSTED. What is still retained when the call
  /// ends is released then.
  package func retain(bytes: Int) -> Bool {
    precondition(bytes >= 0)
    guard let session, handler != nil, session.account(self, bytes) else { return false }
    retained += bytes
    return true
  }

  /// Releases bytes that `retain` has accounted for.
  package func release(bytes: Int) {
    guard let session, handler != nil else { return }
    precondition(bytes >= 0 && bytes <= retained, "more bytes released than retained")
    retained -= bytes
    session.unaccount(self, bytes)
  }

  /// Copies the next `count` bytes of output into `buffer`. Bytes that were sent are removed when
  /// that moves no more bytes than it frees.
  func moveOutput(_ count: Int, into buffer: inout [UInt8]) {
    buffer.append(output.span.extracting(outputSent..<outputSent + count))
    outputSent += count
    if unsent == 0 {
      output.removeAll(keepingCapacity: output.capacity <= 1 << 20)
      outputSent = 0
    } else if outputSent >= 64 << 10, outputSent >= unsent {
      output.removeSubrange(0..<outputSent)
      outputSent = 0
    }
  }

  /// Appends a message's prefix: flag 0 (not compressed), then the length in four bytes, big
  /// endian.
  private func appendPrefix(_ size: Int) {
    let length = UInt32(size)
    if unsent == 0, let session { outputMovedAt = session.movedNow }
    let prefix: InlineArray<5, UInt8> = [
      0, UInt8(truncatingIfNeeded: length >> 24), UInt8(truncatingIfNeeded: length >> 16),
      UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length),
    ]
    output.append(prefix.span)
  }
}
