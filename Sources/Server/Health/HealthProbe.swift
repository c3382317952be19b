/// Asks a running server for its health, over a blocking socket.
package enum HealthProbe {
  /// Why there is no answer.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case timedOut
    case closed
    case notAvailable

    package var description: String {
      switch self {
      case .system(let error): error.description
      case .timedOut: "no answer in time"
      case .closed: "the connection was closed without an answer"
      case .notAvailable: "not available in this version"
      }
    }
  }

  /// The status of `service`, within `timeout`.
  package static func ask(
    _ address: ListenAddress, service: String, timeout: Duration
  ) throws(Problem) -> HealthMessages.ServingStatus {
    throw .notAvailable
  }
}
