/// The transport's limits. Each has a name, a default, and an answer when it is reached.
package struct TransportLimits: Sendable {
  /// One gRPC message (RESOURCE_EXHAUSTED from its prefix, before buffering).
  package var messageBytesMax = 64 << 20
  /// SETTINGS_MAX_CONCURRENT_STREAMS. A stream beyond it, once the peer has acknowledged the
  /// setting, breaks the protocol and ends the connection; before that it is REFUSED_STREAM.
  package var concurrentStreamsMax = 16_384
  /// Header list of one request: octets as RFC 9113, 6.5.2 counts them, and fields
  /// (RST_STREAM ENHANCE_YOUR_CALM).
  package var headerListBytesMax = 64 << 10
  package var headerCountMax = 128
  /// A request's :path; a longer one names no method (UNIMPLEMENTED).
  package var pathBytesMax = 256

  /// Bytes kept for one stream, in and out together; for one connection; for the process
  /// (RESOURCE_EXHAUSTED, or RST_STREAM where the output is what is not read).
  package var streamBufferBytesMax = 80 << 20
  package var connectionBufferBytesMax = 1 << 30
  package var processBufferBytesMax = 2 << 30

  /// SETTINGS_INITIAL_WINDOW_SIZE: what a peer may send on a stream before its handler took any.
  package var streamWindowBytes = 4 << 20
  /// The connection's window, as all its streams share it.
  package var connectionWindowBytes = 64 << 20
  /// A call with more unsent output than this gets no more of the stream's window back until
  /// less than half of it is left: who does not read is not read either.
  package var outputHighWaterBytes = 1 << 20

  /// The client's preface and SETTINGS, and each begun header block, must be complete by then.
  package var handshakeTimeout: Duration = .seconds(10)
  /// A connection without a stream for this long is closed with GOAWAY.
  package var idleTimeout: Duration = .seconds(3600)
  /// Output that makes no progress for this long: RST_STREAM, or the end of the connection.
  package var writeStallTimeout: Duration = .seconds(60)
  /// How long the first GOAWAY of a drain waits for the PING's answer before the second.
  package var drainPingTimeout: Duration = .seconds(1)

  package var abuse = AbuseLimits()

  /// The defaults.
  package init() {}
}

/// How much senseless work one peer may cause before its connection is ended with
/// GOAWAY ENHANCE_YOUR_CALM.
package struct AbuseLimits: Sendable {
  /// Streams that the peer reset before any answer, malformed requests, and streams that a fault
  /// of the peer's made us reset. Envoy resets all it has when its clients leave at once, hence
  /// the large burst.
  package var resets = GlitchLimit(burst: 32_768, perSecond: 5_000)
  /// Empty DATA, PRIORITY, WINDOW_UPDATE, PING, SETTINGS and unknown frames. Requests and DATA
  /// frames sent earn `noisePerProgress` each, so that honest flow control never runs out.
  package var noise = GlitchLimit(burst: 10_000, perSecond: 1_000)
  package var noisePerProgress = 8

  /// The defaults.
  package init() {}
}

/// A token bucket's two numbers.
package struct GlitchLimit: Equatable, Sendable {
  /// What may come at once.
  package var burst: Int
  /// What comes back each second.
  package var perSecond: Int

  /// A bucket of `burst`, refilled by `perSecond`.
  package init(burst: Int, perSecond: Int) {
    self.burst = burst
    self.perSecond = perSecond
  }
}
