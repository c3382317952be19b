import Shipping

/// The way to one target: a connection that batches are written to. Used by its target's thread only;
/// nothing here waits.
protocol ShipSink: AnyObject {
  /// Begins a connection; `ShipEvent.connected` or `.lost` follows.
  func connect()
  /// Writes a batch; `ShipEvent.answered` or `.lost` follows.
  func export(_ batch: ShipBatch)
  /// Gives up the connection and what was being written, without an event.
  func disconnect()
  /// What to watch; nil where there is nothing to watch.
  var polled: Polled? { get }
  /// When to ask again although nothing is readable or writable; nil for never.
  var pollInterval: Duration? { get }
  /// Goes on; `polled` is what was found.
  func proceed(_ polled: Polled?) -> [ShipEvent]
}

/// What happened on the way to a target.
enum ShipEvent: Equatable {
  case connected
  case progressed
  case answered(TargetMachine.Answer)
  /// The connection is gone, and why, in our own words.
  case lost(String)
}
