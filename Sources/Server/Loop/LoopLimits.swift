/// The limits of one worker loop and its sockets.
package struct LoopLimits: Sendable {
  /// One read takes at most this much; each loop has one buffer of that size.
  package var receiveBytes = 256 << 10
  /// Output is taken from a connection in pieces of about this size.
  package var outputBytes = 64 << 10
  /// What one connection may write before the others have their turn.
  package var writeBurstBytes = 1 << 20
  /// While a socket is full, this much output may gather for it; beyond that nothing more is read from it.
  package var stalledOutputBytesMax = 256 << 10
  /// A connection whose socket takes nothing for this long is cut.
  package var writeStallTimeout: Duration = .seconds(30)
  /// After our last byte the peer has this long to read it and close.
  package var lingerTimeout: Duration = .seconds(1)
  /// How late a deadline may be acted on: timers run at most this often.
  package var timerResolution: Duration = .milliseconds(50)

  package init() {}
}
