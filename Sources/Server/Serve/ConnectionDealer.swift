import Log
import Terms

/// Gives each accepted connection to the next worker in turn, up to `--max-connections`.
///
/// On the server's thread.
struct ConnectionDealer {
  private let workers: Workers
  private let connections: ConnectionCount
  private let log: Logger
  /// The worker whose turn it is.
  private var next = 0

  init(workers: Workers, connections: ConnectionCount, log: Logger) {
    self.workers = workers
    self.connections = connections
    self.log = log
  }

  /// Counts the connection and posts its socket to a worker; one over the limit is closed.
  mutating func deal(_ socket: Descriptor) {
    guard connections.admit() else {
      log.report(
        .warning, .connectionsRefused,
        "a connection was closed: --max-connections \(connections.limit) is reached")
      return
    }
    workers.mailboxes[next].post { $0.adopt(socket) }
    next = (next + 1) % workers.mailboxes.count
  }
}
