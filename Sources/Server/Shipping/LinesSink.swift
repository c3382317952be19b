import Ledger
import Shipping

/// Ships JSON lines over TCP.
///
/// A receiver of lines cannot say that it has stored them. So a batch counts as delivered when the
/// peer's kernel has acknowledged its last byte (SIOCOUTQ is 0) and the connection is still open.
/// If the receiver's program dies before it has read them, these lines are lost to it.
///
/// When the peer closes its sending direction, it may still read: some receivers close it at once
/// because they never send. So where that comes before the first delivery on a connection, the
/// receiver is taken to read on; if it is gone, the next write is answered with a reset. After a
/// delivery it is taken to be leaving, and a new connection is made.
///
/// On its target's thread.
final class LinesSink: ShipSink {
  /// How often the kernel is asked how much is acknowledged: poll(2) does not report it.
  private static let acknowledgementInterval = Duration.milliseconds(10)

  private var socket: OutgoingSocket
  /// Why `connect` failed at once, to be told by `proceed`.
  private var failure: String?
  /// Whether `ShipEvent.connected` is still to be told.
  private var isConnecting = false
  private var isExporting = false
  /// How many bytes were not acknowledged when the kernel was asked last.
  private var unacknowledged = 0
  /// Whether this connection has delivered a batch.
  private var hasDelivered = false
  /// Whether the receiver has closed its sending direction and is taken to read on.
  private var isHalfClosed = false

  init(_ target: ShipTarget, resolve: @escaping OutgoingSocket.Resolve = Kernel.resolve) {
    socket = OutgoingSocket(.init(target.place), timeout: target.timeout, resolve: resolve)
  }

  func connect() {
    hasDelivered = false
    isHalfClosed = false
    isConnecting = true
    failure = socket.connect()
  }

  func export(_ batch: ShipBatch) {
    isExporting = true
    unacknowledged = 0
    socket.gather { bytes in
      bytes.reserveCapacity(batch.byteCount)
      for line in batch.lines {
        bytes += line.bytes
        bytes.append(UInt8(ascii: "\n"))
      }
    }
  }

  func disconnect() {
    socket.close()
    isExporting = false
    failure = nil
  }

  var polled: Polled? {
    guard let descriptor = socket.descriptor else { return nil }
    return Polled(
      descriptor.raw, reads: socket.isOpen && !isHalfClosed,
      writes: isConnecting || !socket.unsent.isEmpty)
  }

  var pollInterval: Duration? {
    if failure != nil { return .zero }
    if let wait = socket.connectWait { return wait }
    return isExporting && socket.unsent.isEmpty ? Self.acknowledgementInterval : nil
  }

  func proceed(_ polled: Polled?) -> [ShipEvent] {
    if let failure { return [lost(failure)] }
    guard let polled else { return [] }
    var events: [ShipEvent] = []
    if isConnecting {
      switch socket.connecting(polled) {
      case .waiting: return []
      case .failed(let reason): return [lost(reason)]
      case .connected:
        isConnecting = false
        events.append(.connected)
      }
    }
    if polled.isReadable, let reason = endOfInput() { return events + [lost(reason)] }
    guard isExporting else { return events }
    return events + proceedExporting()
  }

  private func proceedExporting() -> [ShipEvent] {
    var events: [ShipEvent] = []
    switch socket.send() {
    case .failed(let reason): return events + [lost(reason)]
    case .some(let count): if count > 0 { events.append(.progressed) }
    }
    guard socket.unsent.isEmpty, let descriptor = socket.descriptor else { return events }
    do throws(SystemError) {
      let left = try Kernel.unacknowledgedBytes(descriptor)
      if left == 0 {
        if let reason = socket.fault() { return events + [lost(reason)] }
        isExporting = false
        hasDelivered = true
        socket.proved()
        events.append(.answered(.delivered))
      } else if left < unacknowledged || unacknowledged == 0 {
        events.append(.progressed)
      }
      unacknowledged = left
    } catch {
      events.append(lost(error.description))
    }
    return events
  }

  /// Reads what the receiver sends, which is ignored, and its end. Returns the reason where the
  /// connection is given up for it.
  private func endOfInput() -> String? {
    // It is not watched for input any more, so poll(2) reports it only because of an error or a
    // hang-up.
    if isHalfClosed { return socket.fault() ?? Self.closed }
    switch socket.receive({ _ in nil }) {
    case .open: return nil
    case .failed(let reason): return reason
    case .ended:
      isHalfClosed = !hasDelivered
      return hasDelivered ? Self.closed : nil
    }
  }

  private static let closed = "the receiver closed the connection"

  private func lost(_ reason: String) -> ShipEvent {
    disconnect()
    return .lost(reason)
  }
}
