import CLinux
import Glibc

/// Every system call of the simulator. A call that only a mistake in this program can make fail ends
/// the program when it fails.
enum Kernel {
  /// A listening socket could not be had.
  struct Failure: Error, CustomStringConvertible {
    let call: String
    let code: Int32
    var description: String { "\(call): error \(code)" }
  }

  /// What a read from a socket or a write to it came to.
  enum Transfer {
    case bytes(Int)
    /// Nothing now; epoll tells when to try again.
    case wouldBlock
    /// The peer closed, or the connection failed.
    case ended
  }

  /// The time of the monotonic clock.
  static func nanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Raises the limit of open files to the highest that is allowed.
  static func raiseFileLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// A listening socket, and its port: for port 0 the one that the kernel chose.
  static func listen(host: String, port: UInt16) throws(Failure) -> (socket: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | nonBlockingCloseOnExec, 0)
    guard descriptor >= 0 else { throw Failure(call: "socket", code: errno) }
    setOption(descriptor, SOL_SOCKET, SO_REUSEADDR)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
      throw Failure(call: "\(host) is no IPv4 address", code: EINVAL)
    }
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe bind(descriptor, generic, length) == 0 && Glibc.listen(descriptor, 4096) == 0
          && getsockname(descriptor, generic, &length) == 0
      }
    }
    guard bound else { throw Failure(call: "listening on \(host):\(port)", code: errno) }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  /// The next connection that waits, ready for use; nil when there is none.
  static func accept(_ listener: Int32) -> Int32? {
    let descriptor = Glibc.accept(listener, nil, nil)
    guard descriptor >= 0 else { return nil }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
    return descriptor
  }

  /// Reads what has arrived, as much as fits.
  static func receive(_ descriptor: Int32, into buffer: inout [UInt8]) -> Transfer {
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
    }
    if count > 0 { return .bytes(count) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .wouldBlock : .ended
  }

  /// Writes as much of the bytes from `start` on as the socket takes.
  static func send(_ descriptor: Int32, _ bytes: [UInt8], from start: Int) -> Transfer {
    let count = unsafe bytes.withUnsafeBytes { buffer in
      let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[start...])
      return unsafe Glibc.send(
        descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
    }
    if count >= 0 { return .bytes(count) }
    return errno == EAGAIN || errno == EINTR ? .wouldBlock : .ended
  }

  /// Closes; with `reset` the peer sees RST.
  static func close(_ descriptor: Int32, reset: Bool = false) {
    if reset {
      var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
      unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }
    _ = Glibc.close(descriptor)
  }

  /// A descriptor that becomes readable at SIGTERM or SIGINT, which do nothing else from now on.
  static func terminationSignals() -> Int32 {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGTERM)
    unsafe sigaddset(&set, SIGINT)
    unsafe sigprocmask(SIG_BLOCK, &set, nil)
    return unsafe must(
      "signalfd", signalfd(-1, &set, Int32(SFD_NONBLOCK) | Int32(SFD_CLOEXEC)))
  }

  /// Reads a signal from its descriptor, so that the descriptor is no longer readable.
  static func takeSignal(_ descriptor: Int32) {
    var info = signalfd_siginfo()
    _ = unsafe read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size)
  }

  static func makePoll() -> Int32 { must("epoll_create1", epoll_create1(0)) }

  /// Has epoll report these events of a descriptor under `key`; `isNew` when it is not watched yet.
  static func watch(_ poll: Int32, _ descriptor: Int32, key: UInt64, events: UInt32, isNew: Bool) {
    var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: key))
    let operation = isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
    _ = unsafe must("epoll_ctl", epoll_ctl(poll, operation, descriptor, &event))
  }

  /// Waits for events, at most so many milliseconds (-1: without end), and puts them into `events`.
  static func wait(
    _ poll: Int32, into events: inout [(key: UInt64, events: UInt32)], milliseconds: Int32
  ) {
    events.removeAll(keepingCapacity: true)
    let capacity = 256
    unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: capacity) { buffer in
      let count = unsafe epoll_wait(poll, buffer.baseAddress, Int32(capacity), milliseconds)
      for index in 0..<max(0, Int(count)) {
        unsafe events.append((buffer[index].data.u64, buffer[index].events))
      }
    }
  }

  private static let nonBlockingCloseOnExec =
    Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

  private static func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32) {
    var on: Int32 = 1
    unsafe setsockopt(descriptor, level, name, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func must(_ call: String, _ result: Int32) -> Int32 {
    precondition(result >= 0, "\(call) failed: \(errno)")
    return result
  }
}
