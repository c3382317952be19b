import Bytes

/// What is sent on a call: messages, trailers, refusals.
extension ServerSession {
  /// A call has more output: submits its headers where they are not yet, and has nghttp2 ask for a
  /// body again that had no more.
  func outputGrew(_ call: Call) {
    switch call.response {
    case .none:
      call.response = .messages
      call.outputMovedAt = movedNow
      unsafe http2.submitResponse(
        call.streamID, fields.headers, slot: call.slot, supply: ServerCallbacks.supply)
    case .messages, .plain:
      guard call.isBodyDeferred else { return outputWaits() }
      call.isBodyDeferred = false
      call.outputMovedAt = movedNow
      http2.resumeBody(call.streamID)
    }
    outputWaits()
  }

  /// Ends our side of the call: the output that waits is sent, then the trailers.
  func finish(_ call: Call, _ end: CallEnd) {
    call.phase = .finishing(end)
    guard case .none = call.response else { return outputGrew(call) }
    call.response = .messages
    unsafe http2.submitResponse(
      call.streamID,
      ResponseFields.trailers(end, only: true, acceptEncoding: call.advertisesEncodings),
      slot: 0, supply: nil)
    outputWaits()
  }

  /// Ends a call that the transport cannot go on with: the output that waits is dropped, and the
  /// trailers say why.
  func fail(_ call: Call, _ failure: GRPCFailure, _ how: CallTermination) {
    if case .open = call.phase, !call.isStreamGone {
      dropOutput(call)
      finish(call, .failed(failure))
    }
    conclude(call, how)
  }

  /// Answers a request that is not gRPC.
  func refuse(_ call: Call, _ refusal: HTTPRefusal, withoutBody: Bool) {
    call.phase = .finishing(.ok)
    call.response = .plain
    let text = withoutBody ? [] : refusal.text
    if account(call, text.count) { call.output.append(contentsOf: text) }
    if call.output.isEmpty {
      unsafe http2.submitResponse(
        call.streamID, ResponseFields.plain(refusal), slot: 0, supply: nil)
    } else {
      unsafe http2.submitResponse(
        call.streamID, ResponseFields.plain(refusal), slot: call.slot,
        supply: ServerCallbacks.supply)
    }
    outputWaits()
  }

  /// A call's output went over a limit. The stream is reset and the handler told later, because
  /// this is called from inside the handler.
  func overflow(_ call: Call) {
    call.phase = .closed
    dropOutput(call)
    events.append(SessionEvent(.overflow, slot: call.slot))
    outputWaits()
  }

  /// Drops the output that waits.
  func dropOutput(_ call: Call) {
    unaccount(call, call.unsent)
    call.output.removeAll(keepingCapacity: call.output.capacity <= 16 << 10)
    call.outputSent = 0
  }

  // MARK: from nghttp2's callbacks, within `fillOutput`

  /// What nghttp2 is told about a body.
  enum Supply {
    /// There is no output now; `resumeBody` has it ask again.
    case deferred
    /// So many bytes come next.
    case bytes(Int)
    /// The same, and they are the last. Where they do not end the stream, trailers do.
    case last(Int, endsStream: Bool)
    /// There is no such call any more.
    case gone
  }

  /// How much of a call's output goes into the next DATA frame of at most `limit` bytes. The
  /// trailers are submitted with the last of it, so that both are sent together.
  func supply(slot: Int32, limit: Int) -> Supply {
    guard let call = calls[Int(slot)] else { return .gone }
    let count = min(call.unsent, limit)
    guard count == call.unsent else { return .bytes(count) }
    switch call.phase {
    case .finishing(let end):
      if case .plain = call.response { return .last(count, endsStream: true) }
      if case .ok = end {
        http2.submitTrailers(call.streamID, fields.trailersOK)
      } else {
        http2.submitTrailers(
          call.streamID,
          ResponseFields.trailers(end, only: false, acceptEncoding: call.advertisesEncodings))
      }
      return .last(count, endsStream: false)
    case .open, .closed:
      guard count > 0 else {
        call.isBodyDeferred = true
        return .deferred
      }
      return .bytes(count)
    }
  }

  /// Copies a DATA frame's header and payload into the buffer being filled; returns whether that is
  /// full.
  func sendBody(slot: Int32, count: Int, header: Span<UInt8>) -> Bool {
    output.append(header)
    guard let call = calls[Int(slot)] else { return false }
    call.moveOutput(count, into: &output)
    call.outputMovedAt = movedNow
    unaccount(call, count)
    controlFrames.earn(limits.abuse.controlFramesEarned)
    if call.unreturned >= returnStepBytes, call.unsent <= limits.outputHighWaterBytes / 2 {
      returnWindow(call)
    }
    return output.count >= outputTarget
  }

  /// Our END_STREAM is sent. A client that has not half-closed is told to send no more (RFC 9113,
  /// 8.1).
  func trailersSent(stream: Int32) {
    guard let call = call(of: stream) else { return }
    call.trailersSent = true
    if !call.remoteEnded { http2.submitReset(stream, HTTP2ErrorCode.noError) }
  }
}

extension GRPCFailure {
  static let malformedTimeout = GRPCFailure(.internal, "malformed grpc-timeout")
  static let unknownMethod = GRPCFailure(.unimplemented, "unknown method")
  static let reservedFlag = GRPCFailure(.internal, "reserved message flag")
  static let cutMessage = GRPCFailure(.internal, "the stream ended within a message")
  static let compressedWithoutEncoding = GRPCFailure(
    .internal, "compressed message without grpc-encoding")
  static let unsupportedEncoding = GRPCFailure(.unimplemented, "grpc-encoding is not supported")
  static let deadlineExceeded = GRPCFailure(.deadlineExceeded, "deadline exceeded")
  static let noFirstMessage = GRPCFailure(.deadlineExceeded, "no message came in time")

  static func messageTooLarge(limit: Int, actual: Int) -> GRPCFailure {
    GRPCFailure(.resourceExhausted, "message of \(actual) bytes is over the limit of \(limit)")
  }
}
