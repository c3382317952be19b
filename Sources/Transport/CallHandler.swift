/// What a gRPC method does with one call.
///
/// On the loop's thread. While a handler is inside `send`, `finish`, `retain` or another function
/// of its `Call`, the transport does not call it: these only record. What follows from them
/// (`ended` above all) is told later, from inside the connection's `receive`, `fillOutput`, `tick`
/// or `connectionLost`. After `finish` no more messages are given. The transport drops its
/// reference to the handler after `ended`.
package protocol CallHandler: AnyObject {
  /// A whole message, which arrived in one piece.
  func message(_ bytes: Span<UInt8>, on call: Call)
  /// A message of `size` bytes begins, which arrives in pieces.
  func messageStarted(size: Int, on call: Call)
  /// The next bytes of the message that has begun.
  func messageBytes(_ bytes: Span<UInt8>, on call: Call)
  /// The message that has begun is complete.
  func messageEnded(on call: Call)
  /// The peer has sent END_STREAM at a message boundary.
  func halfClosed(on call: Call)
  /// The call is over, however it ended. Called exactly once, after everything else.
  func ended(_ how: CallTermination, on call: Call)
}

/// Finds the handler for each call. One for each loop, on its thread.
package protocol CallRouter: AnyObject {
  /// A handler for a call to `path`, the request's :path (`/package.Service/Method`). Where it is
  /// nil, the call is answered with UNIMPLEMENTED.
  func handler(path: Span<UInt8>) -> (any CallHandler)?
}
