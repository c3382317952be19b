import EnvoyAPI
import Transport

/// What Check and Watch have in common: one small request message, put together from its pieces.
class HealthCall: CallHandler {
  private var pieces: [UInt8] = []
  private var hasRequest = false

  /// The request has come, naming this service.
  func requested(_ service: String, on call: Call) {
    preconditionFailure("a health call is a check or a watch")
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

/// `/grpc.health.v1.Health/Check`: one answer; NOT_FOUND for a service that is not known.
final class HealthCheck: HealthCall {
  private let health: HealthService

  init(_ health: HealthService) {
    self.health = health
  }

  override func requested(_ service: String, on call: Call) {
    guard let status = health.status(of: service) else {
      return call.finish(.failed(GRPCFailure(.notFound, "unknown service")))
    }
    call.send(HealthMessages.response(status).span)
    call.finish(.ok)
  }
}

/// `/grpc.health.v1.Health/Watch`: the status now and at every change; SERVICE_UNKNOWN for a
/// service that is not known, and the watch goes on.
final class HealthWatch: HealthCall {
  private let health: HealthService
  private var service: String?
  private var call: Call?
  private var told: HealthMessages.ServingStatus?

  init(_ health: HealthService) {
    self.health = health
  }

  override func requested(_ service: String, on call: Call) {
    self.service = service
    self.call = call
    tell()
    health.began(self)
  }

  override func ended(_ how: CallTermination, on call: Call) {
    self.call = nil
    health.ended(self)
  }

  /// Sends the status, if it is another than the last one sent.
  func tell() {
    guard let call, let service, call.isOpen else { return }
    let status = health.status(of: service) ?? .serviceUnknown
    guard status != told else { return }
    told = status
    call.send(HealthMessages.response(status).span)
  }

  /// The server goes; another one will take the watch.
  func close() {
    guard let call, call.isOpen else { return }
    call.finish(.failed(GRPCFailure(.unavailable, "the server is shutting down")))
  }
}
