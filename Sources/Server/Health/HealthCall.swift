import EnvoyAPI
import Transport

/// What Check and Watch have in common: they take one small request message, whole or in pieces.
///
/// On its worker's thread.
class HealthCall: CallHandler {
  /// The bytes so far of a message that arrives in pieces.
  private var pieces: [UInt8] = []
  private var hasRequest = false

  /// The request has come; it asks for `service`.
  func requested(_ service: String, on call: Call) {
    preconditionFailure("a health call is a Check or a Watch")
  }

  final func message(_ bytes: Span<UInt8>, on call: Call) {
    guard call.isOpen else { return }
    if hasRequest {
      return refuse(.invalidArgument, "one request message is expected", call)
    }
    guard bytes.count <= HealthMessages.requestBytesMax else { return refuseSize(call) }
    hasRequest = true
    guard let service = HealthMessages.service(inRequest: bytes) else {
      return refuse(.invalidArgument, "the request is not a HealthCheckRequest", call)
    }
    requested(service, on: call)
  }

  final func messageStarted(size: Int, on call: Call) {
    if size > HealthMessages.requestBytesMax { refuseSize(call) }
    pieces = []
  }

  final func messageBytes(_ bytes: Span<UInt8>, on call: Call) {
    guard call.isOpen else { return }
    for index in 0..<bytes.count { pieces.append(bytes[index]) }
  }

  final func messageEnded(on call: Call) {
    let whole = pieces
    pieces = []
    message(whole.span, on: call)
  }

  final func halfClosed(on call: Call) {
    if !hasRequest, call.isOpen {
      refuse(.invalidArgument, "a request message is missing", call)
    }
  }

  func ended(_ how: CallTermination, on call: Call) {}

  private func refuseSize(_ call: Call) {
    let limit = HealthMessages.requestBytesMax
    refuse(.resourceExhausted, "a health request has at most \(limit) bytes", call)
  }

  private func refuse(_ code: GRPCFailureCode, _ message: String, _ call: Call) {
    call.finish(.failed(GRPCFailure(code, message)))
  }
}
