import CLinux
import Glibc

/// What a client does with sockets, and poll(2).
extension Kernel {
  /// poll(2): fills in what was found within `timeoutMilliseconds` (-1: without limit).
  static func poll(_ polled: inout [Polled], timeoutMilliseconds: Int32) {
    var entries = polled.map(\.entry)
    let count = nfds_t(entries.count)
    // Where it is interrupted, nothing was found, and the caller asks again.
    _ = unsafe entries.withUnsafeMutableBufferPointer {
      unsafe Glibc.poll($0.baseAddress, count, timeoutMilliseconds)
    }
    for index in polled.indices { polled[index].take(entries[index]) }
  }

  /// Begins to connect a non-blocking socket; true where it is connected at once.
  static func beginConnect(
    _ socket: Descriptor, to address: SocketAddress
  ) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try connect(socket, to: address)
      return true
    } catch {
      if error.code == EINPROGRESS { return false }
      throw error
    }
  }

  /// Whether a connection that was begun has succeeded; for when the socket has become writable.
  static func finishConnect(_ socket: Descriptor) throws(SystemError) {
    try throwPendingError(of: socket, call: "connect")
  }

  /// Throws the socket's pending error (SO_ERROR), if there is one, as an error of `call`.
  static func throwPendingError(of socket: Descriptor, call: String) throws(SystemError) {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    _ = try syscall("getsockopt") {
      unsafe getsockopt(socket.raw, SOL_SOCKET, SO_ERROR, &code, &size)
    }
    if code != 0 { throw SystemError(call: call, code: code) }
  }

  /// Bytes that were written to a TCP socket and that the peer has not acknowledged (SIOCOUTQ).
  static func unacknowledgedBytes(_ socket: Descriptor) throws(SystemError) -> Int {
    var count: Int32 = 0
    _ = try syscall("ioctl") { unsafe ioctl(socket.raw, UInt(TIOCOUTQ), &count) }
    return Int(count)
  }

  /// Has the kernel find out that the peer of a TCP connection is gone: it probes an idle
  /// connection, and ends it when what was sent stays unacknowledged for `timeout` (SO_KEEPALIVE,
  /// TCP_USER_TIMEOUT).
  static func detectLoss(_ socket: Descriptor, timeout: Duration) throws(SystemError) {
    let seconds = Int32(clamping: max(1, timeout.components.seconds))
    try setOption(socket, level: SOL_SOCKET, SO_KEEPALIVE, to: 1)
    try setOption(socket, level: Int32(IPPROTO_TCP), TCP_KEEPIDLE, to: seconds)
    try setOption(socket, level: Int32(IPPROTO_TCP), TCP_KEEPINTVL, to: seconds)
    try setOption(socket, level: Int32(IPPROTO_TCP), TCP_KEEPCNT, to: 3)
    let milliseconds = Int32(clamping: timeout.components.seconds * 1000)
    try setOption(
      socket, level: Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, to: max(1000, milliseconds))
  }

  /// The addresses of a host by getaddrinfo(3), which may ask name servers and block until they
  /// answer.
  static func resolve(_ host: String, port: UInt16) throws(ResolveError) -> [SocketAddress] {
    if let literal = SocketAddress(literal: host, port: port) { return [literal] }
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, String(port), &hints, &list)
    // glibc's texts are constants, and the text is copied here.
    guard code == 0 else { throw ResolveError(reason: unsafe String(cString: gai_strerror(code))) }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    // Entries live until the list is freed; each address is copied.
    while let entry = unsafe next {
      var storage = sockaddr_storage()
      let length = unsafe entry.pointee.ai_addrlen
      if let address = unsafe entry.pointee.ai_addr,
        Int(length) <= MemoryLayout<sockaddr_storage>.size
      {
        unsafe withUnsafeMutableBytes(of: &storage) {
          unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
        addresses.append(SocketAddress(storage: storage, length: length))
      }
      unsafe next = entry.pointee.ai_next
    }
    guard !addresses.isEmpty else { throw ResolveError(reason: "no address") }
    return addresses
  }
}

/// Why a host's name could not be resolved, in the words of gai_strerror(3).
struct ResolveError: Error, Equatable {
  let reason: String
}
