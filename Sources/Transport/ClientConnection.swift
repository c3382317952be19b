import Bytes

/// One HTTP/2 client connection without its socket, for gRPC calls: bytes in, replies on the
/// `ClientCall`s, bytes out. For the health probe, shipping and tests.
///
/// On one thread, whichever makes it.
package final class ClientConnection {
  let session: ClientSession

  /// A connection that was just made. Of the limits, only the windows and the message size are
  /// used.
  package init(limits: TransportLimits = TransportLimits()) {
    session = ClientSession(limits: limits)
  }

  /// Begins a call. `path` is `/package.Service/Method`; `timeout` becomes `grpc-timeout`, which
  /// the server enforces.
  package func open(
    path: String, authority: String = "localhost", timeout: Duration? = nil
  ) -> ClientCall {
    var fields: [FieldBlock.Field] = [
      .literal(":method", "POST"), .literal(":scheme", "http"),
      .bytes(":path", [UInt8](path.utf8)), .bytes(":authority", [UInt8](authority.utf8)),
      .literal("content-type", "application/grpc"), .literal("te", "trailers"),
    ]
    if let timeout {
      fields.append(.bytes("grpc-timeout", [UInt8](GRPCTimeout.format(timeout).utf8)))
    }
    return session.open(FieldBlock(fields))
  }

  /// Makes a unary call: sends one message and half-closes.
  package func unary(
    path: String, message: [UInt8], authority: String = "localhost", timeout: Duration? = nil
  ) -> ClientCall {
    let call = open(path: path, authority: authority, timeout: timeout)
    call.send(message.span)
    call.halfClose()
    return call
  }

  /// Bytes from the socket.
  package func receive(_ bytes: Span<UInt8>) { session.receive(bytes) }

  /// Appends what is to be written, until `buffer` holds about `target` bytes. Returns whether
  /// more is pending.
  package func fillOutput(_ buffer: inout [UInt8], target: Int) -> Bool {
    while buffer.count < target {
      let count = session.http2.nextOutput { buffer.append($0) }
      if count <= 0 { break }
    }
    return wantsWrite
  }

  /// Whether anything waits to be written.
  package var wantsWrite: Bool { session.http2.wantsWrite }

  /// Whether there is nothing more to read or write.
  package var isClosed: Bool {
    session.hasFailed || !(session.http2.wantsRead || session.http2.wantsWrite)
  }

  /// Whether the server has asked for no more calls (GOAWAY).
  package var isGoingAway: Bool { session.isGoingAway }

  /// The socket is gone: every open call is done, without an answer.
  package func connectionLost() { session.lost() }
}
