import CLinux
import Glibc

/// How a read from a socket or a write to it ended.
enum Transfer {
  /// So many bytes were read or written. 0 bytes read: the peer sends no more.
  case bytes(Int)
  /// None now: the socket has no input, or no room.
  case wouldBlock
  /// The connection is broken.
  case failed(SystemError)
}

/// Sockets.
extension Kernel {
  /// A stream socket for `address`'s family, non-blocking unless `blocking`.
  static func createSocket(
    for address: SocketAddress, blocking: Bool = false
  ) throws(SystemError) -> Descriptor {
    let type =
      Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      | (blocking ? 0 : Int32(SOCK_NONBLOCK.rawValue))
    let family = address.family
    return Descriptor(owning: try syscall("socket") { socket(family, type, 0) })
  }

  /// bind(2).
  static func bind(_ socket: Descriptor, to address: SocketAddress) throws(SystemError) {
    _ = try syscall("bind") {
      unsafe address.withSockaddr { unsafe Glibc.bind(socket.raw, $0, $1) }
    }
  }

  /// connect(2).
  static func connect(_ socket: Descriptor, to address: SocketAddress) throws(SystemError) {
    _ = try syscall("connect") {
      unsafe address.withSockaddr { unsafe Glibc.connect(socket.raw, $0, $1) }
    }
  }

  /// listen(2); `backlog` is how many connections may wait to be accepted.
  static func listen(_ socket: Descriptor, backlog: Int32) throws(SystemError) {
    _ = try syscall("listen") { Glibc.listen(socket.raw, backlog) }
  }

  /// The next waiting connection, non-blocking and close-on-exec; nil where none waits.
  static func accept(_ listener: Descriptor) throws(SystemError) -> Descriptor? {
    let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    do {
      let raw = try syscall("accept4") { accept4(listener.raw, nil, nil, flags) }
      return Descriptor(owning: raw)
    } catch {
      if error.code == EAGAIN { return nil }
      throw error
    }
  }

  /// The address that a socket is bound to, with the port that the kernel chose: getsockname(2).
  static func localAddress(of socket: Descriptor) throws(SystemError) -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    _ = try syscall("getsockname") {
      unsafe withUnsafeMutablePointer(to: &storage) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe getsockname(socket.raw, $0, &length)
        }
      }
    }
    return SocketAddress(storage: storage, length: length)
  }

  /// The user of the process that connected a Unix socket, or that listens there: SO_PEERCRED.
  static func peerUser(of socket: Descriptor) throws(SystemError) -> UInt32 {
    // struct ucred: pid, uid, gid.
    var credentials: [UInt32] = [0, .max, .max]
    var size = socklen_t(12)
    _ = try syscall("getsockopt") {
      unsafe credentials.withUnsafeMutableBytes {
        unsafe getsockopt(socket.raw, SOL_SOCKET, SO_PEERCRED, $0.baseAddress, &size)
      }
    }
    return credentials[1]
  }

  /// setsockopt(2) with a whole number.
  static func setOption(
    _ socket: Descriptor, level: Int32, _ name: Int32, to value: Int32
  ) throws(SystemError) {
    var value = value
    let size = socklen_t(MemoryLayout<Int32>.size)
    _ = try syscall("setsockopt") {
      unsafe setsockopt(socket.raw, level, name, &value, size)
    }
  }

  /// TCP_NODELAY: what is written is sent at once, however little it is.
  static func sendAtOnce(_ socket: Descriptor) throws(SystemError) {
    try setOption(socket, level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
  }

  /// SO_RCVTIMEO and SO_SNDTIMEO of a blocking socket.
  static func setTimeouts(_ socket: Descriptor, _ timeout: Duration) throws(SystemError) {
    let (seconds, attoseconds) = timeout.components
    for name in [SO_RCVTIMEO, SO_SNDTIMEO] {
      // At least a microsecond, because zero means no timeout.
      var value = timeval(
        tv_sec: Int(seconds), tv_usec: max(1, Int(attoseconds / 1_000_000_000_000)))
      let size = socklen_t(MemoryLayout<timeval>.size)
      _ = try syscall("setsockopt") {
        unsafe setsockopt(socket.raw, SOL_SOCKET, name, &value, size)
      }
    }
  }

  /// Reads what there is into `buffer`, from its start.
  @inline(__always)
  static func receive(_ socket: Descriptor, into buffer: inout [UInt8]) -> Transfer {
    let count = buffer.count
    return transfer("recv") {
      unsafe buffer.withUnsafeMutableBytes {
        unsafe recv(socket.raw, $0.baseAddress, count, 0)
      }
    }
  }

  /// Sends `bytes` from `start` on, as far as the socket takes them, without SIGPIPE.
  @inline(__always)
  static func send(_ socket: Descriptor, _ bytes: [UInt8], from start: Int = 0) -> Transfer {
    transfer("send") {
      unsafe bytes.withUnsafeBytes {
        unsafe Glibc.send(
          socket.raw, $0.baseAddress! + start, bytes.count - start, Int32(MSG_NOSIGNAL))
      }
    }
  }

  /// Ends our direction of a connection: the peer reads what was sent and then the end.
  static func shutdownWrites(_ socket: Descriptor) {
    // It fails with ENOTCONN where the peer has gone already.
    _ = try? syscall("shutdown") { shutdown(socket.raw, Int32(SHUT_WR)) }
  }

  @inline(__always)
  private static func transfer(_ call: StaticString, _ body: () -> Int) -> Transfer {
    while true {
      let count = body()
      if count >= 0 { return .bytes(count) }
      let code = errno
      switch code {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default:
        precondition(code != EBADF, "a closed socket was used")
        return .failed(SystemError(call: "\(call)", code: code))
      }
    }
  }
}
