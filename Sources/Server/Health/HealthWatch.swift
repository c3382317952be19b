import EnvoyAPI
import Transport

/// One call of `/grpc.health.v1.Health/Watch`: sends the status now and at every change. For a
/// service that is not known it is SERVICE_UNKNOWN, and the call stays open.
///
/// On its worker's thread.
final class HealthWatch: HealthCall {
  private let health: HealthService
  private var service: String?
  private var call: Call?
  /// The status that was sent last.
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

  /// Sends the status, unless it was the last one sent.
  func tell() {
    guard let call, let service, call.isOpen else { return }
    let status = health.status(of: service) ?? .serviceUnknown
    guard status != told else { return }
    told = status
    call.send(HealthMessages.response(status).span)
  }

  /// Ends the call with UNAVAILABLE, because the server shuts down: the client watches another
  /// server then.
  func close() {
    guard let call, call.isOpen else { return }
    call.finish(.failed(GRPCFailure(.unavailable, "the server is shutting down")))
  }
}
