// The shape the gateway builds on. Split into files as the pieces grow.

/// A gRPC status code other than OK: what a failed call ends with.
package enum GRPCFailureCode: UInt8, Sendable {
  case cancelled = 1, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists,
    permissionDenied, resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented,
    `internal`, unavailable, dataLoss, unauthenticated
}

/// A failure to end a call with. There is no way to write OK here.
package struct GRPCFailure: Error, Equatable, Sendable {
  package let code: GRPCFailureCode
  package let message: String      // percent-encoded when it is written
  package init(_ code: GRPCFailureCode, _ message: String) { self.code = code; self.message = message }
}

/// How a call ends from our side.
package enum CallEnd: Sendable { case ok, failed(GRPCFailure) }

/// How a call's stream went away, told to its handler exactly once, last of all.
package enum CallTermination: Equatable, Sendable {
  case finished            // our trailers were sent
  case reset(UInt32)       // RST_STREAM from the peer: Envoy's normal end
  case connectionLost      // or closed, or drained by force
  case deadlineExceeded
  case failed              // by the transport: framing, limits
}

/// One gRPC call on one HTTP/2 stream. Lives on its loop's thread only.
package final class Call {
  init() {}
  /// False once the stream is gone or `finish` was called: sends are then dropped.
  package var isOpen: Bool { fatalError("unimplemented") }
  /// Sends one whole message; adds the 5-byte prefix. Copies.
  package func send(_ message: Span<UInt8>) { fatalError("unimplemented") }
  /// Sends one message of `size` bytes in pieces: begin, then append until `size` bytes are there.
  package func beginMessage(size: Int) { fatalError("unimplemented") }
  package func append(_ bytes: Span<UInt8>) { fatalError("unimplemented") }
  /// Trailers, after everything sent. Initial headers are sent by the first message (trailers-only where there was none).
  package func finish(_ end: CallEnd) { fatalError("unimplemented") }
  /// Accounts bytes that the handler keeps (body buffers) against the stream's, the connection's and the process's limit.
  /// False: over a limit; nothing was added and the handler must fail the call (RESOURCE_EXHAUSTED).
  package func retain(bytes: Int) -> Bool { fatalError("unimplemented") }
  package func release(bytes: Int) { fatalError("unimplemented") }
}

/// What a method does with its call. All calls come on the loop's thread.
package protocol CallHandler: AnyObject {
  /// A whole message that arrived in one piece.
  func message(_ bytes: Span<UInt8>, on call: Call)
  /// A message that arrives in pieces: its size, then its bytes, then its end.
  func messageStarted(size: Int, on call: Call)
  func messageBytes(_ bytes: Span<UInt8>, on call: Call)
  func messageEnded(on call: Call)
  /// The peer has sent END_STREAM at a message boundary.
  func halfClosed(on call: Call)
  /// The stream is gone, whichever way: exactly once, last. Settle here.
  func ended(_ how: CallTermination, on call: Call)
}

/// Gives calls their handlers; one per loop.
package protocol CallRouter: AnyObject {
  /// `path` is the request's :path, `/package.Service/Method`. nil is answered UNIMPLEMENTED.
  func handler(path: Span<UInt8>) -> (any CallHandler)?
}
