/// A gRPC status code other than OK: what a failed call ends with.
package enum GRPCFailureCode: UInt8, Sendable {
  case cancelled = 1
  case unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
  case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented
  case `internal`, unavailable, dataLoss, unauthenticated
}

/// A failure that a call ends with. OK cannot be written here, so a failed call never ends with it.
package struct GRPCFailure: Error, Equatable, Sendable {
  package let code: GRPCFailureCode
  /// `grpc-message`: our own words, never bytes of the peer's. Percent-encoded when it is written.
  package let message: String

  /// A failure with its code and our own words.
  package init(_ code: GRPCFailureCode, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// How a call ends from our side.
package enum CallEnd: Sendable {
  case ok
  case failed(GRPCFailure)
}

/// How a call ended, as its handler is told, exactly once.
package enum CallTermination: Equatable, Sendable {
  /// Our trailers were sent.
  case finished
  /// RST_STREAM from the peer, with its error code. Envoy normally ends its calls so.
  case reset(UInt32)
  /// The connection is lost or was closed, as at the end of a drain's time.
  case connectionLost
  /// The client's `grpc-timeout` has passed.
  case deadlineExceeded
  /// The transport ended it: malformed messages, a limit, or a peer that does not read.
  case failed
}
