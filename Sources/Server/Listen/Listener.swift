import Glibc

/// One listening socket, closed with its last reference. A Unix socket's file is removed with it.
///
/// Any thread: nothing of it changes.
final class Listener: Sendable {
  /// How many connections may wait to be accepted; the kernel lowers it to net.core.somaxconn.
  static let backlog: Int32 = 1024
  /// The mode of a Unix socket's file: its owner and its group may connect.
  static let unixMode: UInt32 = 0o660

  let socket: Descriptor
  /// The address, with the port that the kernel chose.
  let address: ListenAddress
  /// The Unix socket's file, so that no other file at its path is removed.
  private let file: FileIdentity?

  /// Opens the socket. A Unix socket on which nobody answers any more is replaced.
  init(
    _ address: ListenAddress, allowPlaintextNetwork: Bool, unixMode: UInt32 = Listener.unixMode
  ) throws(ListenError) {
    guard address.isLocal || allowPlaintextNetwork else { throw .plaintextNetwork(address) }
    do {
      switch address {
      case .tcp:
        socket = try Self.openTCP(address.socketAddress)
        self.address = address.with(port: try Kernel.localAddress(of: socket).port)
        file = nil
      case .unix(let path):
        (socket, file) = try Self.openUnix(path, address, mode: unixMode)
        self.address = address
      }
    } catch let error as SystemError {
      throw .system(address, error)
    } catch let error as ListenError {
      throw error
    } catch {
      preconditionFailure("opening fails in two ways")
    }
  }

  deinit {
    removeFile()
  }

  private static func openTCP(_ address: SocketAddress) throws(SystemError) -> Descriptor {
    let socket = try Kernel.createSocket(for: address)
    try Kernel.setOption(socket, level: SOL_SOCKET, SO_REUSEADDR, to: 1)
    if address.family == AF_INET6 {
      // `[::]` does not include IPv4 (`0.0.0.0`), whatever the machine's default is.
      try Kernel.setOption(socket, level: Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: 1)
    }
    // Accepted sockets inherit it, so that no call is needed for each of them.
    try Kernel.sendAtOnce(socket)
    try Kernel.bind(socket, to: address)
    try Kernel.listen(socket, backlog: backlog)
    return socket
  }

  private static func openUnix(
    _ path: String, _ address: ListenAddress, mode: UInt32
  ) throws -> (Descriptor, FileIdentity) {
    let target = address.socketAddress
    let socket = try Kernel.createSocket(for: target)
    // On Linux the file gets the socket's own mode, less the umask: from the first moment it never
    // allows more than this.
    try Kernel.changeMode(of: socket, to: mode)
    // Two processes that start at the same time take turns, so that neither removes the socket that
    // the other has just made.
    let lock = try Kernel.openDirectory(directory(of: path))
    try Kernel.lockExclusively(lock)
    do {
      try Kernel.bind(socket, to: target)
    } catch {
      guard error.code == EADDRINUSE else { throw error }
      try removeStale(path, address)
      try Kernel.bind(socket, to: target)
    }
    try Kernel.changeMode(path, to: mode)
    try Kernel.listen(socket, backlog: backlog)
    let file = try Kernel.identity(ofLink: path)
    _ = lock
    return (socket, file)
  }

  /// Removes the file of a Unix socket on which nobody answers; throws where somebody does.
  private static func removeStale(_ path: String, _ address: ListenAddress) throws {
    guard try Kernel.identity(ofLink: path).isSocket else { throw ListenError.notASocket(address) }
    let probe = try Kernel.createSocket(for: address.socketAddress)
    do {
      try Kernel.connect(probe, to: address.socketAddress)
    } catch {
      switch error.code {
      case ECONNREFUSED: return try Kernel.unlink(path)
      // Its backlog is full, or it is of another type: somebody listens.
      case EAGAIN, EPROTOTYPE: break
      default: throw error
      }
    }
    throw ListenError.inUse(address)
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Removes the Unix socket's file, unless another file is at its path by now.
  func removeFile() {
    guard let file, case .unix(let path) = address,
      let present = try? Kernel.identity(ofLink: path),
      present.device == file.device, present.inode == file.inode
    else { return }
    try? Kernel.unlink(path)
  }
}
