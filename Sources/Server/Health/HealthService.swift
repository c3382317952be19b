import EnvoyAPI
import Transport

/// grpc.health.v1.Health on one loop: what Check and Watch answer, and who watches.
package final class HealthService {
  /// The services that have a status of their own; `""` is the whole server.
  package static let services = [
    "", "envoy.service.ext_proc.v3.ExternalProcessor", "envoy.service.auth.v3.Authorization",
  ]

  /// What is told of every known service.
  private(set) var status = HealthMessages.ServingStatus.serving
  private var watches: [ObjectIdentifier: HealthWatch] = [:]
  private var isClosed = false

  /// A watched or checked service's status; nil for a service that is not known.
  func status(of service: String) -> HealthMessages.ServingStatus? {
    Self.services.contains(service) ? status : nil
  }

  /// Tells every watcher that nothing is served any more.
  package func stopServing() {
    status = .notServing
    for watch in watches.values { watch.tell() }
  }

  /// Ends every watch, which would never end by itself and hold up a drain.
  package func endWatches() {
    isClosed = true
    for watch in watches.values { watch.close() }
  }

  func began(_ watch: HealthWatch) {
    if isClosed { return watch.close() }
    watches[ObjectIdentifier(watch)] = watch
  }

  func ended(_ watch: HealthWatch) {
    watches[ObjectIdentifier(watch)] = nil
  }
}
