import EnvoyAPI
import Transport

/// One call of `/grpc.health.v1.Health/Check`: one answer with the status. For a service that is
/// not known the call ends with NOT_FOUND.
///
/// On its worker's thread.
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
