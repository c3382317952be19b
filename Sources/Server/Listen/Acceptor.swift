import Bytes
import Glibc
import Log
import Terms

/// A loop's listeners, and the one place where connections are accepted from them.
///
/// Survives a lack of descriptors: a connection that cannot be served is accepted with a spare
/// descriptor and closed, so that its peer knows at once. Where not even that is possible, or
/// memory is short, nothing is accepted for a moment: epoll would report the same listener again
/// and again.
///
/// On its loop's thread: the server's and the admin server's each have one.
struct Acceptor {
  /// Connections accepted from one listener before other events have their turn.
  static let batchMax = 64
  /// The pause after the machine ran short of descriptors or memory.
  static let pause: Duration = .milliseconds(100)

  private struct Entry {
    let listener: Listener
    let registration: Poller.Registration
  }

  private var entries: [Entry] = []
  /// What the log calls one of the connections.
  private let noun: String
  private let log: Logger
  /// What epoll watches the listeners for now.
  private var watched: Poller.Interest = .read
  /// When accepting goes on; nil while it is not paused.
  private(set) var pauseEnds: MonotonicTime?
  /// Closed for a moment when descriptors run out, so that a waiting connection can be accepted and
  /// closed.
  private var spare: Descriptor?

  /// Watches `listeners` with the loop's poller. `noun` is what the log calls a connection.
  init(
    _ listeners: [Listener], noun: String, poller: inout Poller, log: Logger
  ) throws(SystemError) {
    self.noun = noun
    self.log = log
    for listener in listeners {
      entries.append(
        Entry(listener: listener, registration: try poller.add(listener.socket, .read)))
    }
    spare = Kernel.spareDescriptor()
  }

  /// The position of the listener that `registration` belongs to; nil where it is no listener's.
  func index(of registration: Poller.Registration) -> Int? {
    entries.firstIndex { $0.registration == registration }
  }

  /// Accepts what waits on the listener at `index`, at most a batch, and gives each socket to
  /// `take`.
  mutating func accept(at index: Int, now: MonotonicTime, _ take: (Descriptor) -> Void) {
    guard pauseEnds == nil else { return }
    let listener = entries[index].listener.socket
    for _ in 0..<Self.batchMax {
      do {
        guard let socket = try Kernel.accept(listener) else { return }
        take(socket)
      } catch {
        switch error.code {
        case EMFILE, ENFILE:
          log.report(
            .error, .connectionsRefused, "out of file descriptors: a new \(noun) was closed")
          if !closeOne(of: listener) { return pauseAccepting(now) }
        case ENOBUFS, ENOMEM:
          log.report(.error, .acceptFailed, "\(noun)s cannot be accepted for now: \(error)")
          return pauseAccepting(now)
        default:
          // The connection failed before it was accepted (ECONNABORTED, or an error of the
          // network): on to the next one.
          continue
        }
      }
    }
  }

  /// Accepts everything that waits, before `close`: the kernel would reset those connections.
  mutating func acceptLast(now: MonotonicTime, _ take: (Descriptor) -> Void) {
    pauseEnds = nil
    for index in entries.indices {
      for _ in 0...(Int(Listener.backlog) / Self.batchMax) {
        accept(at: index, now: now, take)
      }
    }
  }

  /// Stops or begins to watch the listeners, as the pause says. For the end of each of the loop's
  /// rounds.
  mutating func watch(with poller: Poller, now: MonotonicTime) {
    if let end = pauseEnds, end <= now { pauseEnds = nil }
    let wanted: Poller.Interest = pauseEnds == nil ? .read : []
    guard wanted != watched else { return }
    watched = wanted
    for entry in entries { try? poller.change(entry.registration, to: wanted) }
  }

  /// Closes the listeners and removes the files of Unix sockets.
  mutating func close(with poller: Poller) {
    for entry in entries {
      try? poller.remove(entry.registration)
      entry.listener.removeFile()
    }
    entries = []
  }

  private mutating func pauseAccepting(_ now: MonotonicTime) { pauseEnds = now + Self.pause }

  /// Accepts one waiting connection with the spare descriptor and closes it; false where there is
  /// no spare descriptor.
  private mutating func closeOne(of listener: Descriptor) -> Bool {
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
