import Shipping

/// A connection to one target, to which batches are written. Nothing here waits, except for name
/// servers.
///
/// On its target's thread.
protocol ShipSink: AnyObject {
  /// Begins to connect; `ShipEvent.connected` or `.lost` follows.
  func connect()
  /// Writes a batch; `ShipEvent.answered` or `.lost` follows.
  func export(_ batch: ShipBatch)
  /// Closes the connection and drops what was being written. No event follows.
  func disconnect()
  /// What poll(2) is to watch; nil where there is nothing.
  var polled: Polled? { get }
  /// When to call `proceed` although poll(2) has found nothing; nil for never.
  var pollInterval: Duration? { get }
  /// Reads, writes, and returns what has happened; `polled` is what poll(2) has found.
  func proceed(_ polled: Polled?) -> [ShipEvent]
}

/// What has happened on a connection to a target.
enum ShipEvent: Equatable {
  case connected
  /// The receiver has taken some bytes of the batch.
  case progressed
  /// The receiver has answered the batch.
  case answered(TargetMachine.Answer)
  /// The connection is gone; why, in our own words.
  case lost(String)
}
