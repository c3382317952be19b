/// A gRPC status code other than OK: what a failed call ends with.
package enum GRPCFailureCode: UInt8, Sendable {
  case cancelled = 1
  case unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
  case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented
  case `internal`, unavailable, dataLoss, unauthenticated
}

/// A failure to end a call with. There is no way to write OK here.
package struct GRPCFailure: Error, Equatable, Sendable {
  package let code: GRPCFailureCode
  /// Our own words, never the peer's bytes; percent-encoded when it is written.
  package let message: String

  /// A failure with its code and our own words for it.
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

/// How a call's stream went away, told to its handler exactly once, last of all.
package enum CallTermination: Equatable, Sendable {
  /// Our trailers were sent.
  case finished
  /// RST_STREAM from the peer, with its error code: Envoy's normal end.
  case reset(UInt32)
  /// The connection is lost, closed, or drained by force.
  case connectionLost
  /// The client's `grpc-timeout` has passed.
  case deadlineExceeded
  /// Ended by the transport: framing, limits, a peer that does not read.
  case failed
}
