import Glibc

/// Asks the process that serves from a data directory, on the thread that calls it.
package enum ControlClient {
  /// How long the answer may take: a flush of a busy disk.
  static let patience = Duration.seconds(10)

  /// The process's answer; nil where nobody listens there. Throws where somebody does and gives none.
  package static func ask(
    _ directory: String, _ request: ControlRequest
  ) throws(Problem) -> ControlAnswer? {
    let socket: Descriptor
    do throws(SystemError) {
      let place = try ControlPlace(directory: directory)
      defer { withExtendedLifetime(place) {} }
      socket = try Kernel.createSocket(for: place.address.socketAddress, blocking: true)
      try Kernel.setTimeouts(socket, patience)
      try Kernel.connect(socket, to: place.address.socketAddress)
    } catch {
      if error.code == ENOENT || error.code == ECONNREFUSED || error.code == ENOTDIR { return nil }
      throw .system(error)
    }
    // It may be another's: whoever can write to the directory can put a socket there.
    let user: UInt32
    do { user = try Kernel.peerUser(of: socket) } catch { throw .system(error) }
    guard user == geteuid() || user == 0 || geteuid() == 0 else { throw .stranger }
    guard ControlLine.send(request.line, to: socket, within: patience),
      let line = ControlLine.receive(socket, within: patience), let answer = ControlAnswer(line)
    else { throw .noAnswer }
    return answer
  }

  /// Why there is no answer.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case stranger
    case noAnswer

    package var description: String {
      switch self {
      case .system(let error): error.description
      case .stranger: "another user's process listens there"
      case .noAnswer: "no answer that this version understands"
      }
    }
  }
}
