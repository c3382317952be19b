import Bytes
import EnvoyAPI
import Glibc
import Transport

/// Asks a running server for its health, over a blocking socket, on the thread that calls it.
package enum HealthProbe {
  /// Why there is no status.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case timedOut
    case closed
    case unknownService
    /// The call failed with that gRPC status; nil where the peer sent none, so it does not speak
    /// gRPC.
    case failed(grpcStatus: Int?)
    case malformed

    package var description: String {
      switch self {
      case .system(let error): error.description
      case .timedOut: "no answer in time"
      case .closed: "the connection was closed without an answer"
      case .unknownService: "the server does not know the service"
      case .failed(let status?): "the call failed with gRPC status \(status)"
      case .failed(nil): "the peer does not speak gRPC"
      case .malformed: "the answer is not a HealthCheckResponse"
      }
    }
  }

  /// The status of `service` (`""` for the whole server); throws where it does not come within
  /// `timeout`.
  package static func ask(
    _ address: ListenAddress, service: String, timeout: Duration
  ) throws(Problem) -> HealthMessages.ServingStatus {
    let end = MonotonicTime.now + timeout
    let socket: Descriptor
    do {
      socket = try Kernel.createSocket(for: address.socketAddress, blocking: true)
      try Kernel.setTimeouts(socket, timeout)
      try Kernel.connect(socket, to: address.socketAddress)
    } catch {
      // What connect(2) fails with when SO_SNDTIMEO has passed.
      if error.code == EINPROGRESS { throw .timedOut }
      throw .system(error)
    }
    let connection = ClientConnection()
    let call = connection.unary(
      path: "/grpc.health.v1.Health/Check", message: HealthMessages.request(service: service),
      timeout: timeout)
    var input = [UInt8](repeating: 0, count: 16 << 10)
    while !call.reply.isDone {
      try send(connection, socket)
      let left = max(.zero, end - .now)
      guard Kernel.pollReadable([socket], timeoutMilliseconds: Poller.milliseconds(left))[0]
      else { throw .timedOut }
      switch Kernel.receive(socket, into: &input) {
      case .bytes(0): throw .closed
      case .bytes(let count): connection.receive(input.span.extracting(0..<count))
      case .wouldBlock: throw .timedOut
      case .failed(let error): throw .system(error)
      }
    }
    return try status(in: call.reply)
  }

  private static func send(
    _ connection: ClientConnection, _ socket: Descriptor
  ) throws(Problem) {
    var output: [UInt8] = []
    _ = connection.fillOutput(&output, target: 64 << 10)
    var start = 0
    while start < output.count {
      switch Kernel.send(socket, output, from: start) {
      case .bytes(let count): start += count
      case .wouldBlock: throw .timedOut
      case .failed(let error): throw .system(error)
      }
    }
  }

  private static func status(
    in reply: ClientCall.Reply
  ) throws(Problem) -> HealthMessages.ServingStatus {
    guard reply.isOK else {
      let notFound = Int(GRPCFailureCode.notFound.rawValue)
      if reply.grpcStatus == notFound { throw .unknownService }
      throw .failed(grpcStatus: reply.grpcStatus)
    }
    guard let message = reply.messages.first,
      let status = HealthMessages.status(inResponse: message.span)
    else { throw .malformed }
    return status
  }
}

extension HealthMessages.ServingStatus: CustomStringConvertible {
  /// The name in grpc.health.v1.
  package var description: String {
    switch self {
    case .unknown: "UNKNOWN"
    case .serving: "SERVING"
    case .notServing: "NOT_SERVING"
    case .serviceUnknown: "SERVICE_UNKNOWN"
    }
  }
}
