import Shipping
import Transport

/// Ships OTLP/gRPC logs over HTTP/2 without TLS (prior knowledge, RFC 9113, 3.3): one unary call
/// for each batch.
///
/// On its target's thread.
final class OTLPSink: ShipSink {
  private let target: ShipTarget
  private let resource: OTLPResource
  private let wallNanoseconds: @Sendable () -> Int64
  private var socket: OutgoingSocket
  private var connection: ClientConnection?
  private var call: ClientCall?
  /// Why `connect` failed at once, to be told by `proceed`.
  private var failure: String?
  /// Whether `ShipEvent.connected` is still to be told.
  private var isConnecting = false
  /// Whether the bytes being written hold some of the request.
  private var isSendingRequest = false

  init(
    _ target: ShipTarget, resource: OTLPResource,
    wallNanoseconds: @escaping @Sendable () -> Int64,
    resolve: @escaping OutgoingSocket.Resolve = Kernel.resolve
  ) {
    self.target = target
    self.resource = resource
    self.wallNanoseconds = wallNanoseconds
    socket = OutgoingSocket(.init(target.place), timeout: target.timeout, resolve: resolve)
  }

  func connect() {
    var limits = TransportLimits()
    limits.messageBytesMax = ShippingLimits.answerBytesMax
    limits.streamWindowBytes = ShippingLimits.answerBytesMax
    limits.connectionWindowBytes = 4 * ShippingLimits.answerBytesMax
    connection = ClientConnection(limits: limits)
    call = nil
    isConnecting = true
    failure = socket.connect()
  }

  func export(_ batch: ShipBatch) {
    let request = OTLPLogs.request(
      batch, resource: resource, observedNanoseconds: UInt64(max(0, wallNanoseconds())))
    call = connection?.unary(
      path: OTLPLogs.exportPath, message: request, authority: authority, timeout: target.timeout)
  }

  /// The request's `:authority`. A Unix socket has no host to name.
  private var authority: String {
    if case .otlp(let host, let port) = target.place { return ShipTarget.authority(host, port) }
    return "localhost"
  }

  func disconnect() {
    socket.close()
    connection = nil
    call = nil
    failure = nil
  }

  var polled: Polled? {
    guard let descriptor = socket.descriptor else { return nil }
    let wantsWrite =
      isConnecting || !socket.unsent.isEmpty || connection?.wantsWrite == true
    return Polled(descriptor.raw, reads: socket.isOpen, writes: wantsWrite)
  }

  /// At once where `connect` has failed; else when the address that is being tried is given up.
  var pollInterval: Duration? { failure == nil ? socket.connectWait : .zero }

  func proceed(_ polled: Polled?) -> [ShipEvent] {
    if let failure {
      disconnect()
      return [.lost(failure)]
    }
    guard let polled, let connection else { return [] }
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
    let ended = polled.isReadable ? read(connection) : nil
    events += answer()
    if let reason = ended ?? write(connection, &events) { events.append(lost(reason)) }
    return events
  }

  /// Reads what has come, as much as one turn allows; returns the reason where nothing more will
  /// come.
  private func read(_ connection: ClientConnection) -> String? {
    let call = call
    let received = socket.receive { bytes in
      connection.receive(bytes)
      if connection.isClosed { return "the receiver does not speak HTTP/2" }
      if let call, call.reply.messages.count > 1 { return "the receiver answered twice" }
      return nil
    }
    switch received {
    case .open: return nil
    case .ended:
      connection.connectionLost()
      return "the receiver closed the connection"
    case .failed(let reason):
      connection.connectionLost()
      return reason
    }
  }

  /// The answer to the batch, where it has come.
  private func answer() -> [ShipEvent] {
    guard let call, call.reply.isDone else { return [] }
    self.call = nil
    let reply = call.reply
    if reply.grpcStatus == nil, reply.httpStatus == nil, reply.resetCode != nil {
      // The connection was lost, or the receiver shuts down: the batch is shipped again on another
      // one.
      return [.lost("the call was reset without an answer")]
    }
    let judged = OTLPAnswer.judge(
      .init(
        status: reply.grpcStatus, httpStatus: reply.httpStatus, text: reply.grpcMessage,
        messages: reply.messages,
        details: reply.grpcStatusDetails))
    if reply.grpcStatus != nil { socket.proved() }
    guard connection?.isGoingAway == true else { return [.answered(judged)] }
    return [.answered(judged), lost("the receiver asked for no more calls")]
  }

  /// Writes what there is; returns the reason where the connection is lost.
  private func write(_ connection: ClientConnection, _ events: inout [ShipEvent]) -> String? {
    guard self.connection != nil else { return nil }
    while true {
      if socket.unsent.isEmpty {
        let before = call?.unsentBytes ?? 0
        socket.gather { _ = connection.fillOutput(&$0, target: 64 << 10) }
        isSendingRequest = (call?.unsentBytes ?? 0) < before
        if socket.unsent.isEmpty { return nil }
      }
      switch socket.send() {
      case .some(0): return nil
      // Only bytes of the request are progress. Others answer the receiver's PING: a receiver that
      // sends these and does not take the batch must still time out.
      case .some: if isSendingRequest { events.append(.progressed) }
      case .failed(let reason): return reason
      }
      if !socket.unsent.isEmpty { return nil }
    }
  }

  private func lost(_ reason: String) -> ShipEvent {
    disconnect()
    return .lost(reason)
  }
}
