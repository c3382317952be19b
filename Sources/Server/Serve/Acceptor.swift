import Gateway
import Glibc
import Log
import Terms

/// Takes connections from the listeners, within the limit, and deals them to the workers in turn.
struct Acceptor {
  /// Connections taken from one listener before anything else has its turn.
  static let batchMax = 64

  /// What a round of accepting came to.
  enum Outcome: Equatable {
    case goOn
    /// The machine is short of something: accepting must rest for a while, or it would spin.
    case rest
  }

  private let workers: Workers
  private let connections: ConnectionCount
  private let log: Logger
  private var next = 0
  /// Given up for a moment when descriptors run out, so that a waiting connection can be taken and closed.
  private var spare: Descriptor?

  init(workers: Workers, connections: ConnectionCount, log: Logger) {
    self.workers = workers
    self.connections = connections
    self.log = log
    spare = Kernel.spareDescriptor()
  }

  /// Accepts what waits on `listener`, at most a batch.
  mutating func accept(from listener: Descriptor) -> Outcome {
    for _ in 0..<Self.batchMax {
      do {
        guard let socket = try Kernel.accept(listener) else { return .goOn }
        deal(socket)
      } catch {
        switch error.code {
        case EMFILE, ENFILE:
          log.report(
            .error, .connectionsRefused, "out of file descriptors: a new connection was closed")
          if !shedOne(listener) { return .rest }
        case ENOBUFS, ENOMEM:
          log.report(
            .error, .acceptFailed, "connections cannot be accepted for now: \(error)")
          return .rest
        default:
          // The connection failed before it was taken (ECONNABORTED and the network's own errors): the next one.
          continue
        }
      }
    }
    return .goOn
  }

  private mutating func deal(_ socket: Descriptor) {
    guard connections.admit() else {
      log.report(
        .warning, .connectionsRefused,
        "a connection was closed: --max-connections \(connections.limit) is reached")
      return
    }
    workers.mailboxes[next].post { $0.adopt(socket) }
    next = (next + 1) % workers.mailboxes.count
  }

  /// Takes one waiting connection with the spare descriptor and closes it; false where there is none to give up.
  private mutating func shedOne(_ listener: Descriptor) -> Bool {
    guard spare != nil else {
      spare = Kernel.spareDescriptor()
      return false
    }
    spare = nil
    // Closed by going out of scope.
    _ = try? Kernel.accept(listener)
    spare = Kernel.spareDescriptor()
    return true
  }
}
