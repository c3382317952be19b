/// A point on the monotonic clock, in nanoseconds. Passed in; the transport has no clock.
package struct MonotonicTime: Comparable, Hashable, Sendable {
  package var nanoseconds: Int64
  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
}

/// The transport's limits. Each has a name, a default, and an answer when it is reached.
package struct TransportLimits: Sendable {
  /// One gRPC message (RESOURCE_EXHAUSTED from its prefix, before buffering).
  package var messageBytesMax = 64 << 20
  /// SETTINGS_MAX_CONCURRENT_STREAMS (REFUSED_STREAM beyond it).
  package var concurrentStreamsMax = 16_384
  /// Header list of one request: octets as RFC 9113, 6.5.2 counts them, and fields (RST_STREAM / 431-like refusal).
  package var headerListBytesMax = 64 << 10
  package var headerCountMax = 128
  /// Bytes kept for one stream, in and out together; for one connection; for the process.
  package var streamBufferBytesMax = 80 << 20
  package var connectionBufferBytesMax = 1 << 30
  package var processBufferBytesMax = 2 << 30
  package var handshakeTimeout: Duration = .seconds(10)
  /// A connection without a stream for this long is closed with GOAWAY.
  package var idleTimeout: Duration = .seconds(3600)
  package init() {}
}

/// Bytes kept by every connection of the process, against `processBufferBytesMax`. Atomic: loops share one.
package final class BufferBudget: Sendable {
  package init(limit: Int) { fatalError("unimplemented") }
  package func reserve(_ bytes: Int) -> Bool { fatalError("unimplemented") }
  package func release(_ bytes: Int) { fatalError("unimplemented") }
  package var used: Int { fatalError("unimplemented") }
}

/// One HTTP/2 server connection without its socket: bytes in, handler calls, bytes out.
package final class ServerConnection {
  package init(router: any CallRouter, limits: TransportLimits, budget: BufferBudget, now: MonotonicTime) {
    fatalError("unimplemented")
  }
  /// Bytes from the socket. Handlers are called from inside. Never throws: a faulty peer is answered (GOAWAY) and `isClosed` turns true.
  package func receive(_ bytes: Span<UInt8>, now: MonotonicTime) { fatalError("unimplemented") }
  /// Appends what is to be written, until `buffer` holds about `target` bytes or nothing is left. Returns whether more is pending.
  package func fillOutput(_ buffer: inout [UInt8], target: Int) -> Bool { fatalError("unimplemented") }
  /// Whether anything waits to be written (a handler may have answered from the loop's mailbox).
  package var wantsWrite: Bool { fatalError("unimplemented") }
  /// Nothing more to read or write: close the socket once output is flushed.
  package var isClosed: Bool { fatalError("unimplemented") }
  /// Deadlines that have passed are acted on; the next one, nil where there is none.
  package func tick(now: MonotonicTime) -> MonotonicTime? { fatalError("unimplemented") }
  /// Graceful drain, step one: GOAWAY with the maximum id and a PING. Step two (GOAWAY with the last id)
  /// follows by itself on the PING's answer, or at the latest after `drainPingTimeout`. When the last stream is done, `isClosed` turns true.
  package func beginDrain(now: MonotonicTime) { fatalError("unimplemented") }
  /// The socket is gone: every open call's handler hears `.connectionLost`.
  package func connectionLost() { fatalError("unimplemented") }
  package var openCalls: Int { fatalError("unimplemented") }
}
