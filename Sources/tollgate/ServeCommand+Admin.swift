import Log
import Server

/// The admin server of `tollgate serve`.
extension ServeCommand {
  /// An address of the admin server cannot be had: names its flags, because the listener's error
  /// does not.
  private struct AdminProblem: Error, CustomStringConvertible {
    let cause: ListenError
    var description: String { "\(cause) (--admin, --metrics; --admin off goes without the page)" }
  }

  /// Opens the admin server; nil where it has no address.
  static func openAdmin(
    _ settings: ServeSettings, _ state: ServingState, _ log: Logger
  ) throws -> AdminServer? {
    var places: [(address: ListenAddress, scope: AdminScope)] = []
    if let admin = settings.admin { places.append((admin, .admin(admin))) }
    if let metrics = settings.metrics { places.append((metrics, .probes)) }
    guard !places.isEmpty else { return nil }
    let server: AdminServer
    do {
      server = try AdminServer(places, log: log) { AdminPages(state: state) }
    } catch let problem as ListenError {
      throw AdminProblem(cause: problem)
    }
    for (place, address) in zip(places, server.addresses) {
      log.listens(address, for: place.scope)
    }
    return server
  }
}
