import EnvoyAPI

/// grpc.health.v1.Health on one worker: the status that Check and Watch answer, and the open Watch
/// calls.
///
/// On its worker's thread.
final class HealthService {
  /// The services that have a status of their own; `""` is the whole server.
  static let services = [
    "", "envoy.service.ext_proc.v3.ExternalProcessor", "envoy.service.auth.v3.Authorization",
  ]

  /// The status of every known service.
  private(set) var status = HealthMessages.ServingStatus.serving
  private var watches: [ObjectIdentifier: HealthWatch] = [:]
  /// Whether it does not serve any more, for good.
  private var hasStopped = false
  /// Whether Watch calls were ended for the drain.
  private var isClosed = false

  /// The status of a service; nil for one that is not known.
  func status(of service: String) -> HealthMessages.ServingStatus? {
    Self.services.contains(service) ? status : nil
  }

  /// Says NOT_SERVING until `serve`.
  func hold() { say(.notServing) }

  /// Says SERVING, unless it was told to stop meanwhile.
  func serve() {
    if !hasStopped { say(.serving) }
  }

  /// Says NOT_SERVING from now on, to every watcher too.
  func stopServing() {
    hasStopped = true
    say(.notServing)
  }

  private func say(_ status: HealthMessages.ServingStatus) {
    self.status = status
    for watch in watches.values { watch.tell() }
  }

  /// Ends every Watch call: they do not end by themselves, and the drain would wait for them.
  func endWatches() {
    isClosed = true
    for watch in watches.values { watch.close() }
  }

  /// A Watch call has begun.
  func began(_ watch: HealthWatch) {
    if isClosed { return watch.close() }
    watches[ObjectIdentifier(watch)] = watch
  }

  /// A Watch call is over.
  func ended(_ watch: HealthWatch) {
    watches[ObjectIdentifier(watch)] = nil
  }
}
