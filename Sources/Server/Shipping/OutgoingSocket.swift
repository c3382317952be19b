import Bytes
import Shipping

/// A client's non-blocking socket: resolves the peer's name, connects to one of its addresses, writes
/// and reads.
///
/// On its owner's thread.
struct OutgoingSocket {
  /// Finds a host's addresses: `Kernel.resolve`, except in tests.
  typealias Resolve = (String, UInt16) throws(ResolveError) -> [SocketAddress]

  private enum State {
    case closed
    /// The socket to the address that is being tried, and the addresses that are left.
    case connecting(Descriptor, ConnectRound<SocketAddress>)
    case open(Descriptor)
  }

  /// Where it connects to.
  enum Peer {
    /// A Unix socket, whose path was checked when it was read.
    case unix(String)
    case tcp(host: String, port: UInt16)
  }

  private let peer: Peer
  private let timeout: Duration
  private let resolve: Resolve
  private var state = State.closed
  /// How many addresses were given up so far. The next attempt begins with the address at this
  /// position, so that one that works is used again.
  private var turn = 0
  /// Whether the receiver has taken a batch on this connection.
  private var isProved = false
  /// What is read goes into it, and is handed on before the next read.
  private var input = [UInt8](repeating: 0, count: 16 << 10)
  /// What the socket has not taken yet.
  private(set) var unsent = UnsentOutput()

  init(
    _ peer: Peer, timeout: Duration, resolve: @escaping Resolve = Kernel.resolve
  ) {
    self.peer = peer
    self.timeout = timeout
    self.resolve = resolve
  }

  /// Whether it is connected.
  var isOpen: Bool { if case .open = state { true } else { false } }
  /// nil while there is no socket.
  var descriptor: Descriptor? {
    switch state {
    case .closed: nil
    case .connecting(let socket, _), .open(let socket): socket
    }
  }

  /// How long until the address that is being tried is given up; nil where none is being tried.
  var connectWait: Duration? {
    guard case .connecting(_, let round) = state else { return nil }
    return .milliseconds(max(0, round.giveUpMs - Self.nowMs()))
  }

  /// Begins to connect; returns the reason where that is not possible. A name is resolved each
  /// time, which may block.
  mutating func connect() -> String? {
    close()
    switch peer {
    case .unix(let path):
      guard let address = SocketAddress(unixPath: path) else {
        preconditionFailure("a path was validated when it was read")
      }
      return connect(to: [address])
    case .tcp(let host, let port):
      do throws(ResolveError) {
        return connect(to: try resolve(host, port))
      } catch {
        return "\(host) cannot be resolved: \(error.reason)"
      }
    }
  }

  /// The same where the addresses are known.
  mutating func connect(to addresses: [SocketAddress]) -> String? {
    close()
    return connect(ConnectRound(addresses, turn: turn, timeout: timeout, nowMs: Self.nowMs()))
  }

  /// Tries the next address, and those behind it; returns the reason where none is left.
  private mutating func connect(
    _ addresses: ConnectRound<SocketAddress>, after failure: String? = nil
  ) -> String? {
    var addresses = addresses
    var reason = failure
    while let address = addresses.next(nowMs: Self.nowMs()) {
      do throws(SystemError) {
        let socket = try Kernel.createSocket(for: address)
        if case .tcp = peer {
          try Kernel.sendAtOnce(socket)
          try Kernel.detectLoss(socket, timeout: timeout)
        }
        let isConnected = try Kernel.beginConnect(socket, to: address)
        state = isConnected ? .open(socket) : .connecting(socket, addresses)
        return nil
      } catch {
        turn += 1
        reason = error.description
      }
    }
    state = .closed
    return reason ?? "no address"
  }

  /// How far connecting is.
  enum Connecting {
    case waiting
    case connected
    case failed(String)
  }

  /// Goes on connecting with what poll(2) has found.
  mutating func connecting(_ polled: Polled) -> Connecting {
    guard case .connecting(let socket, let round) = state else {
      return isOpen ? .connected : .waiting
    }
    let reason: String
    if polled.isWritable {
      do throws(SystemError) {
        try Kernel.finishConnect(socket)
        state = .open(socket)
        return .connected
      } catch {
        reason = error.description
      }
    } else if Self.nowMs() >= round.giveUpMs {
      reason = "connect: no answer"
    } else {
      return .waiting
    }
    turn += 1
    if let last = connect(round, after: reason) { return .failed(last) }
    return isOpen ? .connected : .waiting
  }

  /// The receiver has taken a batch: its address is tried first the next time too.
  mutating func proved() { isProved = true }

  /// Closes the socket and drops what was not sent.
  mutating func close() {
    // An address that connects and then takes no batch counts as one that does not connect.
    if case .closed = state {} else if !isProved { turn += 1 }
    isProved = false
    state = .closed
    unsent = UnsentOutput()
  }

  /// Has `fill` append bytes that are to be written.
  mutating func gather(_ fill: (inout [UInt8]) -> Void) { unsent.gather(fill) }

  /// How a write ended.
  enum Sent {
    /// So many bytes were written.
    case some(Int)
    /// The connection is lost, and why.
    case failed(String)
  }

  /// Writes as much as the socket takes.
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

  /// How a read ended.
  enum Received {
    /// The connection is open.
    case open
    /// The receiver has closed its sending direction; it may still read.
    case ended
    /// The connection is lost, and why.
    case failed(String)
  }

  /// Gives what has come to `take`, at most `ShippingLimits.readsPerTurnMax` pieces of it; poll(2)
  /// reports the rest again. Where `take` returns a reason, the connection is given up for it.
  mutating func receive(_ take: (Span<UInt8>) -> String?) -> Received {
    guard case .open(let socket) = state else { return .open }
    for _ in 0..<ShippingLimits.readsPerTurnMax {
      switch Kernel.receive(socket, into: &input) {
      case .bytes(0): return .ended
      case .bytes(let count):
        if let reason = take(input.span.extracting(0..<count)) { return .failed(reason) }
      case .wouldBlock: return .open
      case .failed(let error): return .failed(error.description)
      }
    }
    return .open
  }

  /// The connection's pending error; nil where there is none.
  func fault() -> String? {
    guard case .open(let socket) = state else { return nil }
    do throws(SystemError) {
      try Kernel.throwPendingError(of: socket, call: "send")
      return nil
    } catch {
      return error.description
    }
  }

  private static func nowMs() -> Int64 { SystemClock.monotonicNanoseconds() / 1_000_000 }
}

extension OutgoingSocket.Peer {
  /// The receiver of a target that is reached through a socket.
  init(_ place: ShipTarget.Place) {
    switch place {
    case .otlpUnix(let path): self = .unix(path)
    case .otlp(let host, let port), .tcp(let host, let port): self = .tcp(host: host, port: port)
    case .standardOutput: preconditionFailure("standard output is no socket")
    }
  }
}
