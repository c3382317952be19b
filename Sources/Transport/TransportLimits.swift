/// The transport's limits and timeouts, each with its default and with what happens when it is
/// reached.
package struct TransportLimits: Sendable {
  /// The size of one gRPC message. One over it is RESOURCE_EXHAUSTED as soon as its prefix is read,
  /// before anything is buffered.
  package var messageBytesMax = 64 << 20
  /// SETTINGS_MAX_CONCURRENT_STREAMS. A stream beyond it, once the peer has acknowledged the
  /// setting, breaks the protocol and ends the connection; before that it is REFUSED_STREAM.
  package var concurrentStreamsMax = 16_384
  /// The header list of one request, in octets as RFC 9113, 6.5.2 counts them. One over it is
  /// RST_STREAM with ENHANCE_YOUR_CALM.
  package var headerListBytesMax = 64 << 10
  /// The fields of one request's header list. One over it is RST_STREAM with ENHANCE_YOUR_CALM.
  package var headerCountMax = 128
  /// A request's :path; a longer one names no method (UNIMPLEMENTED).
  package var pathBytesMax = 256

  /// What a stream costs from its headers to its end, beside the bytes that are kept for it: nghttp2's
  /// own, the call, the handler. Measured. It counts against the connection's and the process's
  /// bytes; a stream for which there is no room is REFUSED_STREAM.
  package var streamBytes = 8 << 10
  /// What a connection costs without a stream, likewise; it counts against the process's bytes. One
  /// for which there is no room is ended at once with GOAWAY.
  package var connectionBytes = 16 << 10

  /// Bytes kept for one stream, input and output together. One over it is RESOURCE_EXHAUSTED, or
  /// RST_STREAM where it is output that the peer does not read.
  package var streamBufferBytesMax = 80 << 20
  /// The same for all streams of a connection.
  package var connectionBufferBytesMax = 1 << 30
  /// The same for all connections of the process.
  package var processBufferBytesMax = 2 << 30

  /// SETTINGS_INITIAL_WINDOW_SIZE: how much a peer may send on a stream before its handler has
  /// taken any of it.
  package var streamWindowBytes = 4 << 20
  /// The connection's window, which all its streams share.
  package var connectionWindowBytes = 64 << 20
  /// A stream with more unsent output than this gets no window back until less than half of it is
  /// left. A peer that does not read the answers can then send no more.
  package var outputHighWaterBytes = 1 << 20

  /// How long the client's preface and SETTINGS may take, and each header block once it has begun.
  /// Then the connection is ended.
  package var handshakeTimeout: Duration = .seconds(10)
  /// How long a stream may take from its headers to its first message. Then it fails with
  /// DEADLINE_EXCEEDED.
  package var firstMessageTimeout: Duration = .seconds(10)
  /// A connection that has had no stream for this long is drained, which begins with GOAWAY.
  package var idleTimeout: Duration = .seconds(3600)
  /// How long output may wait without any of it being sent. Then the stream is reset, or the
  /// connection is ended where it is the connection's output.
  package var writeStallTimeout: Duration = .seconds(60)
  /// How long a drain waits for the answer to its PING between the first GOAWAY and the second.
  package var drainPingTimeout: Duration = .seconds(1)

  /// How much useless work a peer may cause.
  var abuse = AbuseLimits()

  /// The defaults.
  package init() {}
}

/// How much useless work one peer may cause before its connection is ended with GOAWAY
/// ENHANCE_YOUR_CALM.
struct AbuseLimits: Sendable {
  /// Streams that the peer reset before they had an answer, malformed requests, and streams that we
  /// reset for a fault of the peer's. The burst is large because Envoy resets all its streams at
  /// once when its clients go away at once.
  var resets = GlitchLimit(burst: 32_768, perSecond: 5_000)
  /// Frames that carry no work: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, and DATA without a byte.
  var controlFrames = GlitchLimit(burst: 10_000, perSecond: 1_000)
  /// How many more of them a peer may send for each request that it makes and for each DATA frame
  /// that it is sent, so that the flow control of real work never exhausts the budget.
  var controlFramesEarned = 8

  /// The defaults.
  init() {}
}

/// The two numbers of a token bucket that counts a peer's glitches (HAProxy's word for protocol
/// acts that are allowed one by one and harmful in masses).
struct GlitchLimit: Equatable, Sendable {
  /// How many may come at once.
  var burst: Int
  /// How many more may come each second.
  var perSecond: Int
}
