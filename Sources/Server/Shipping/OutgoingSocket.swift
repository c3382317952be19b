internal import Shipping

/// A client's non-blocking socket: resolved, connected, written to.
struct OutgoingSocket {
  private enum State {
    case closed
    /// The addresses that are still to be tried.
    case connecting(Descriptor, rest: [SocketAddress])
    case open(Descriptor)
  }

  private let place: ShipTarget.Place
  private let timeout: Duration
  private var state = State.closed
  /// What the socket has not taken yet.
  private(set) var unsent = UnsentOutput()

  init(_ place: ShipTarget.Place, timeout: Duration) {
    self.place = place
    self.timeout = timeout
  }

  var isOpen: Bool { if case .open = state { true } else { false } }
  var descriptor: Descriptor? {
    switch state {
    case .closed: nil
    case .connecting(let socket, _), .open(let socket): socket
    }
  }

  /// Begins to connect; the reason where that is not possible.
  mutating func connect() -> String? {
    close()
    switch place {
    case .otlpUnix(let path):
      guard let address = SocketAddress(unixPath: path) else {
        preconditionFailure("a path was validated when it was read")
      }
      return connect(to: [address])
    case .otlp(let host, let port), .tcp(let host, let port):
      do throws(ResolveError) {
        return connect(to: try Kernel.resolve(host, port: port))
      } catch {
        return "\(host) cannot be resolved: \(error.reason)"
      }
    case .standardOutput: preconditionFailure("standard output is no socket")
    }
  }

  /// Tries the addresses in turn.
  private mutating func connect(to addresses: [SocketAddress]) -> String? {
    var reason = "no address"
    for (index, address) in addresses.enumerated() {
      do throws(SystemError) {
        let socket = try Kernel.createSocket(for: address)
        if case .otlpUnix = place {
        } else {
          try Kernel.sendAtOnce(socket)
          try Kernel.detectLoss(socket, timeout: timeout)
        }
        let isConnected = try Kernel.beginConnect(socket, to: address)
        let rest = Array(addresses[(index + 1)...])
        state = isConnected ? .open(socket) : .connecting(socket, rest: rest)
        return nil
      } catch {
        reason = error.description
      }
    }
    state = .closed
    return reason
  }

  /// The socket has become writable while connecting; the reason where no address is left.
  private mutating func finishConnect() -> String? {
    guard case .connecting(let socket, let rest) = state else { return nil }
    do throws(SystemError) {
      try Kernel.finishConnect(socket)
      state = .open(socket)
      return nil
    } catch {
      let reason = error.description
      return rest.isEmpty ? closed(reason) : connect(to: rest)
    }
  }

  enum Connecting {
    case waiting
    case connected
    case failed(String)
  }

  /// How far connecting has come; a Unix socket is connected at once.
  mutating func connecting(_ polled: Polled) -> Connecting {
    if !isOpen {
      guard polled.isWritable else { return .waiting }
      if let reason = finishConnect() { return .failed(reason) }
    }
    return isOpen ? .connected : .waiting
  }

  private mutating func closed(_ reason: String) -> String {
    close()
    return reason
  }

  mutating func close() {
    state = .closed
    unsent = UnsentOutput()
  }

  /// Has `fill` append what is to be written.
  mutating func gather(_ fill: (inout [UInt8]) -> Void) { unsent.gather(fill) }

  enum Sent {
    case some(Int)
    case failed(String)
  }

  /// Writes as far as the socket takes it.
  mutating func send() -> Sent {
    guard case .open(let socket) = state else { return .some(0) }
    var total = 0
    while !unsent.isEmpty {
      switch Kernel.send(socket, unsent.bytes, from: unsent.start) {
      case .bytes(let count):
        unsent.sent(count)
        total += count
      case .wouldBlock: return .some(total)
      case .failed(let error): return .failed(error.description)
      }
    }
    return .some(total)
  }

  enum Received {
    case some(Int)
    case nothing
    case ended(String)
  }

  /// Reads what has come into `buffer`.
  func receive(into buffer: inout [UInt8]) -> Received {
    guard case .open(let socket) = state else { return .nothing }
    switch Kernel.receive(socket, into: &buffer) {
    case .bytes(0): return .ended("the receiver closed the connection")
    case .bytes(let count): return .some(count)
    case .wouldBlock: return .nothing
    case .failed(let error): return .ended(error.description)
    }
  }
}
