/// The limits of one worker's loop and its sockets.
package struct LoopLimits: Sendable {
  /// The most that one read takes; each loop has one buffer of that size.
  package var receiveBytes = 256 << 10
  /// Output is written in pieces of about this size.
  package var outputBytes = 64 << 10
  /// How much one connection may write before the others have their turn.
  package var writeBurstBytes = 1 << 20
  /// How much output may wait for a full socket; beyond that nothing more is read from it.
  package var stalledOutputBytesMax = 256 << 10
  /// A connection whose socket takes nothing for this long is closed.
  package var writeStallTimeout: Duration = .seconds(30)
  /// How long the peer may take to close after our last byte.
  package var lingerTimeout: Duration = .seconds(1)
  /// Timers run at most this often, so a deadline may be acted on so late.
  package var timerResolution: Duration = .milliseconds(50)

  /// The defaults.
  package init() {}
}
