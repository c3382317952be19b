internal import Ledger
internal import Shipping

/// JSON lines over TCP.
///
/// TCP has no word for "stored": a batch counts as delivered when the peer's kernel has acknowledged
/// its last byte (SIOCOUTQ is 0) and the connection still stands. What the peer's program had not
/// read when it died is lost to it.
final class LinesSink: ShipSink {
  /// How often the kernel is asked what is acknowledged; it tells nobody by itself.
  private static let acknowledgementInterval = Duration.milliseconds(10)

  private var socket: OutgoingSocket
  private var failure: String?
  /// Whether `connected` is still to be told.
  private var isConnecting = false
  private var isExporting = false
  private var unacknowledged = 0
  private var input = [UInt8](repeating: 0, count: 4096)

  init(_ target: ShipTarget) {
    socket = OutgoingSocket(target.place, timeout: target.timeout)
  }

  func connect() {
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
      descriptor.raw, reads: socket.isOpen, writes: isConnecting || !socket.unsent.isEmpty)
  }

  var pollInterval: Duration? {
    if failure != nil { return .zero }
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
    if polled.isReadable, let reason = discardInput() { return events + [lost(reason)] }
    guard isExporting else { return events }
    switch socket.send() {
    case .failed(let reason): return events + [lost(reason)]
    case .some(let count): if count > 0 { events.append(.progressed) }
    }
    guard socket.unsent.isEmpty, let descriptor = socket.descriptor else { return events }
    do throws(SystemError) {
      let left = try Kernel.unacknowledgedBytes(descriptor)
      if left == 0 {
        isExporting = false
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

  /// A receiver of lines has nothing to say; its end is heard.
  private func discardInput() -> String? {
    while true {
      switch socket.receive(into: &input) {
      case .some: continue
      case .nothing: return nil
      case .ended(let reason): return reason
      }
    }
  }

  private func lost(_ reason: String) -> ShipEvent {
    disconnect()
    return .lost(reason)
  }
}
