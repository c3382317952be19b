import Bytes
import Transport

/// Finds the handler for each call on one worker: health's, or else the gateway's.
///
/// On its worker's thread.
final class ServiceRouter: CallRouter {
  private let health: HealthService
  private let gateway: any LoopGateway

  init(health: HealthService, gateway: any LoopGateway) {
    self.health = health
    self.gateway = gateway
  }

  private static let healthPrefix: StaticString = "/grpc.health.v1.Health/"

  func handler(path: Span<UInt8>) -> (any CallHandler)? {
    guard path.starts(with: Self.healthPrefix) else { return gateway.handler(path: path) }
    let method = path.extracting(droppingFirst: Self.healthPrefix.utf8CodeUnitCount)
    if method.elementsEqual("Check") { return HealthCheck(health) }
    if method.elementsEqual("Watch") { return HealthWatch(health) }
    return nil
  }
}
