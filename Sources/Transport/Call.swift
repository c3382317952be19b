import Bytes

/// One gRPC call on one HTTP/2 stream. Lives on its loop's thread only.
///
/// A call may be kept beyond its end: everything asked of it then is dropped.
///
/// What every message touches is not checked for exclusivity at run time, here and in `ServerSession`:
/// that cost a tenth of a short call. One thread has both, and neither hands such a property to a
/// function that knows its owner.
package final class Call {
  /// How far our side of the stream is.
  enum Phase {
    /// Messages may be sent.
    case open
    /// `finish` was called, or the transport ended the call: what waits is sent, then trailers.
    case finishing(CallEnd)
    /// Trailers were sent, or never will be.
    case closed
  }

  /// What was submitted as the response's beginning.
  enum Response {
    case none
    /// Headers and a body of messages, with trailers to follow.
    case messages
    /// A plain HTTP answer: the body ends the stream.
    case plain
  }

  /// nil once the stream is gone; breaks the cycle between the two.
  var session: ServerSession?
  let streamID: Int32
  let slot: Int32
  @safe @exclusivity(unchecked) var handler: (any CallHandler)?
  @safe @exclusivity(unchecked) var phase = Phase.open
  @safe @exclusivity(unchecked) var response = Response.none
  @safe @exclusivity(unchecked) var deframer: MessageDeframer
  var encoding = RequestHead.Encoding.absent
  var deadline = MonotonicTime.never

  /// What is not sent yet, from `outputSent` on.
  @safe @exclusivity(unchecked) var output: [UInt8] = []
  var outputSent = 0
  /// Bytes still owed to the message that `beginMessage` began.
  var messageBytesLeft = 0
  /// nghttp2 asked for output and there was none: it must be told of more.
  var isBodyDeferred = false
  /// When output last moved, or began to wait.
  var outputMovedAt: MonotonicTime

  /// Bytes accounted for: what the handler keeps, and both together.
  var retained = 0
  var buffered = 0
  /// Stream window that is not returned yet.
  var unreturned = 0

  /// The stream's facts as the callbacks note them, ahead of the events' processing.
  var isStreamGone = false
  var remoteEnded = false
  var trailersSent = false
  var peerReset: UInt32?
  /// Compressed messages were refused: say which encodings would do.
  var advertisesEncodings = false

  init(session: ServerSession, streamID: Int32, slot: Int32, output: [UInt8]) {
    self.session = session
    self.streamID = streamID
    self.slot = slot
    self.output = output
    self.deframer = MessageDeframer(messageBytesMax: session.limits.messageBytesMax)
    self.outputMovedAt = session.movedNow
  }

  var unsent: Int { output.count - outputSent }

  /// False once the stream is gone or `finish` was called: sends are then dropped.
  package var isOpen: Bool {
    guard !isStreamGone, session != nil, case .open = phase else { return false }
    return true
  }

  /// How our side ended the call; nil while it is open, and where it went away without that.
  package var end: CallEnd? {
    guard case .finishing(let end) = phase else { return nil }
    return end
  }

  /// Sends one whole message; adds the 5-byte prefix. Copies.
  package func send(_ message: Span<UInt8>) {
    guard isOpen, let session else { return }
    precondition(messageBytesLeft == 0, "a message within a message")
    guard session.account(self, message.count + 5) else { return session.overflow(self) }
    appendPrefix(message.count)
    output.append(message)
    session.outputGrew(self)
  }

  /// Sends one message of `size` bytes in pieces: begin, then append until `size` bytes are there.
  package func beginMessage(size: Int) {
    guard isOpen, let session else { return }
    precondition(messageBytesLeft == 0, "a message within a message")
    guard session.account(self, 5) else { return session.overflow(self) }
    appendPrefix(size)
    messageBytesLeft = size
    session.outputGrew(self)
  }

  /// The next bytes of the message that `beginMessage` began; never more than it announced.
  package func append(_ bytes: Span<UInt8>) {
    guard isOpen, let session else { return }
    precondition(bytes.count <= messageBytesLeft, "more bytes than the message was to have")
    guard session.account(self, bytes.count) else { return session.overflow(self) }
    messageBytesLeft -= bytes.count
    if unsent == 0 { outputMovedAt = session.movedNow }
    output.append(bytes)
    session.outputGrew(self)
  }

  /// Trailers, after everything sent. Initial headers are sent by the first message (trailers-only
  /// where there was none). Only a failure may cut a message short.
  package func finish(_ end: CallEnd) {
    guard isOpen, let session else { return }
    if case .ok = end { precondition(messageBytesLeft == 0, "a call ends well within a message") }
    session.finish(self, end)
  }

  /// Accounts bytes that the handler keeps (body buffers) against the stream's, the connection's
  /// and the process's limit. False: over a limit; nothing was added and the handler must fail the
  /// call (RESOURCE_EXHAUSTED). What is retained at the call's end is released by itself.
  package func retain(bytes: Int) -> Bool {
    precondition(bytes >= 0)
    guard let session, handler != nil, session.account(self, bytes) else { return false }
    retained += bytes
    return true
  }

  /// Takes back what `retain` accounted.
  package func release(bytes: Int) {
    guard let session, handler != nil else { return }
    precondition(bytes >= 0 && bytes <= retained, "more bytes released than retained")
    retained -= bytes
    session.unaccount(self, bytes)
  }

  /// Copies the next `count` bytes of output, and lets go of what is out once that is cheap.
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

  /// Length-Prefixed-Message: flag 0, then the length in four bytes.
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
