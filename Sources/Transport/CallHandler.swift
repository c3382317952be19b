/// What a method does with its call. All calls come on the loop's thread.
///
/// The transport never calls a handler from inside one of its calls into the transport: `send`,
/// `finish` and `retain` only record, and whatever follows (`ended` above all) comes later, from
/// `receive`, `fillOutput`, `tick` or `connectionLost`. After `finish` no more messages come.
/// The transport drops its reference to the handler after `ended`.
package protocol CallHandler: AnyObject {
  /// A whole message that arrived in one piece.
  func message(_ bytes: Span<UInt8>, on call: Call)
  /// A message that arrives in pieces: its size, then its bytes, then its end.
  func messageStarted(size: Int, on call: Call)
  /// The next bytes of the message that has started.
  func messageBytes(_ bytes: Span<UInt8>, on call: Call)
  /// The message that has started is complete.
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
