import Bytes

/// One gRPC call as the client sees it: the request's bytes on their way, and the answer so far.
package final class ClientCall {
  /// The answer so far.
  package struct Reply: Equatable, Sendable {
    /// The HTTP status; nil before the headers.
    package var httpStatus: Int?
    /// `grpc-status` as it was sent; nil before the trailers, or when the server sent none.
    package var grpcStatus: Int?
    /// `grpc-message`, decoded. The peer's words: not to be trusted or logged as ours.
    package var grpcMessage = ""
    /// `grpc-status-details-bin`, decoded; empty where the server sent none.
    package var grpcStatusDetails: [UInt8] = []
    /// The messages that have come whole, in order.
    package var messages: [[UInt8]] = []
    /// The error code of a stream that was reset, by either side.
    package var resetCode: UInt32?
    /// The stream is gone: nothing more will come.
    package var isDone = false
    /// Done, with grpc-status 0.
    package var isOK: Bool { isDone && grpcStatus == 0 }
  }

  /// The answer so far.
  package private(set) var reply = Reply()
  weak var session: ClientSession?
  var streamID: Int32 = 0
  private var deframer: MessageDeframer
  /// The bytes so far of a message that arrives in pieces.
  private var partial: [UInt8] = []
  /// What is not sent yet, from `outputSent` on.
  private var output: [UInt8] = []
  private var outputSent = 0
  private var isHalfClosed = false
  /// nghttp2 asked for output and there was none: it must be told when there is.
  private var isDeferred = false
  private var isRequestSent = false
  /// The error code of the reset that was asked for.
  private var resetAsked: UInt32?
  /// What was given to `send` and is in no DATA frame yet.
  package var unsentBytes: Int { output.count - outputSent }

  init(session: ClientSession, messageBytesMax: Int) {
    self.session = session
    deframer = MessageDeframer(messageBytesMax: messageBytesMax)
  }

  /// Sends one message, with its 5-byte prefix.
  package func send(_ message: Span<UInt8>) {
    let length = UInt32(message.count)
    let prefix: InlineArray<5, UInt8> = [
      0, UInt8(truncatingIfNeeded: length >> 24), UInt8(truncatingIfNeeded: length >> 16),
      UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length),
    ]
    sendBytes(prefix.span)
    sendBytes(message)
  }

  /// Appends bytes to the request's body, as they are.
  func sendBytes(_ bytes: Span<UInt8>) {
    output.append(bytes)
    resume()
  }

  /// END_STREAM after everything sent.
  package func halfClose() {
    isHalfClosed = true
    resume()
  }

  /// RST_STREAM: the client gives the call up.
  package func reset(_ code: UInt32 = HTTP2ErrorCode.cancel) {
    guard !reply.isDone, resetAsked == nil else { return }
    resetAsked = code
    if isRequestSent { session?.http2.submitReset(streamID, code) }
  }

  /// The request's headers are sent. A reset must not be sent before them: it would name an idle
  /// stream, which is a connection error (RFC 9113, 5.1).
  func requestSent() {
    isRequestSent = true
    if let resetAsked { session?.http2.submitReset(streamID, resetAsked) }
  }

  private func resume() {
    guard isDeferred, !reply.isDone else { return }
    isDeferred = false
    session?.http2.resumeBody(streamID)
  }

  // MARK: from the session

  /// Copies output into a DATA frame of at most `limit` bytes, and says whether it is the last
  /// frame. nil when there is no output yet.
  func supply(limit: Int, _ copy: (Span<UInt8>) -> Void) -> (count: Int, isLast: Bool)? {
    guard !output.isEmpty || isHalfClosed else {
      isDeferred = true
      return nil
    }
    let count = min(limit, output.count - outputSent)
    let waiting = output
    if count > 0 { copy(waiting.span.extracting(outputSent..<outputSent + count)) }
    outputSent += count
    if outputSent == output.count {
      output = []
      outputSent = 0
    }
    return (count, output.isEmpty && isHalfClosed)
  }

  /// Takes what matters out of a header or trailer field.
  func header(_ name: Span<UInt8>, _ value: Span<UInt8>) {
    if name.elementsEqual(":status") {
      reply.httpStatus = Int(String(decoding: [UInt8](span: value), as: UTF8.self))
    } else if name.elementsEqual("grpc-status") {
      reply.grpcStatus = Int(String(decoding: [UInt8](span: value), as: UTF8.self))
    } else if name.elementsEqual("grpc-message") {
      reply.grpcMessage = GRPCMessageText.decode([UInt8](span: value))
    } else if name.elementsEqual("grpc-status-details-bin") {
      reply.grpcStatusDetails = GRPCBinaryValue.decode(value) ?? []
    }
  }

  /// Takes a piece of DATA; false where it is not a gRPC message.
  func data(_ bytes: Span<UInt8>) -> Bool {
    var offset = 0
    while true {
      switch deframer.next(in: bytes, from: &offset) {
      case .needsMore: return true
      case .message(let range): reply.messages.append([UInt8](span: bytes.extracting(range)))
      case .started: partial = []
      case .bytes(let range): partial.append(bytes.extracting(range))
      case .ended:
        reply.messages.append(partial)
        partial = []
      case .refused: return false
      }
    }
  }

  /// The stream is closed, with its error code.
  func closed(_ code: UInt32) {
    reply.isDone = true
    if code != HTTP2ErrorCode.noError { reply.resetCode = code }
  }

  /// The connection is gone with the call unanswered.
  func lost() {
    guard !reply.isDone else { return }
    closed(HTTP2ErrorCode.cancel)
  }
}

extension [UInt8] {
  /// A copy of the span's bytes.
  init(span: Span<UInt8>) {
    self = []
    append(span)
  }
}
