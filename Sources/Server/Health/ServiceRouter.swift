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

  private static let healthPrefix = Array("/grpc.health.v1.Health/".utf8)
  private static let check = Array("Check".utf8)
  private static let watch = Array("Watch".utf8)

  func handler(path: Span<UInt8>) -> (any CallHandler)? {
    // The paths of the gateway differ in the second byte, so one comparison is enough for them.
    guard Self.begins(path, with: Self.healthPrefix) else { return gateway.handler(path: path) }
    let method = path.extracting(droppingFirst: Self.healthPrefix.count)
    if Self.equal(method, Self.check) { return HealthCheck(health) }
    if Self.equal(method, Self.watch) { return HealthWatch(health) }
    return nil
  }

  private static func begins(_ path: Span<UInt8>, with prefix: [UInt8]) -> Bool {
    guard path.count >= prefix.count else { return false }
    // Compared from the second byte on, because the first is a slash in nearly every path.
    for index in 1..<prefix.count where path[index] != prefix[index] { return false }
    return path[0] == prefix[0]
  }

  private static func equal(_ bytes: Span<UInt8>, _ other: [UInt8]) -> Bool {
    bytes.count == other.count && begins(bytes, with: other)
  }
}
