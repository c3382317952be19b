import CLinux
import Glibc

/// A socket address as the kernel takes it: sockaddr_in, sockaddr_in6 or sockaddr_un.
struct SocketAddress {
  private var storage: sockaddr_storage
  private let length: socklen_t

  /// AF_INET, AF_INET6 or AF_UNIX.
  var family: Int32 { Int32(storage.ss_family) }

  /// An address that the kernel has filled in.
  init(storage: sockaddr_storage, length: socklen_t) {
    self.storage = storage
    self.length = length
  }

  /// A literal IPv4 or IPv6 address, as inet_pton(3) reads it; nil where `literal` is neither.
  init?(literal: String, port: UInt16) {
    var storage = sockaddr_storage()
    var four = in_addr()
    var six = in6_addr()
    if unsafe inet_pton(AF_INET, literal, &four) == 1 {
      let address = sockaddr_in(
        sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian, sin_addr: four,
        sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
      unsafe withUnsafeMutableBytes(of: &storage) {
        unsafe $0.storeBytes(of: address, as: sockaddr_in.self)
      }
      self.init(storage: storage, length: socklen_t(MemoryLayout<sockaddr_in>.size))
    } else if unsafe inet_pton(AF_INET6, literal, &six) == 1 {
      let address = sockaddr_in6(
        sin6_family: sa_family_t(AF_INET6), sin6_port: port.bigEndian, sin6_flowinfo: 0,
        sin6_addr: six, sin6_scope_id: 0)
      unsafe withUnsafeMutableBytes(of: &storage) {
        unsafe $0.storeBytes(of: address, as: sockaddr_in6.self)
      }
      self.init(storage: storage, length: socklen_t(MemoryLayout<sockaddr_in6>.size))
    } else {
      return nil
    }
  }

  /// The longest path that a Unix socket can have: the size of sun_path less the NUL at its end.
  static let unixPathBytesMax = 107

  /// A Unix socket's address; nil where `path` is empty, too long, or holds a NUL.
  init?(unixPath path: String) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= Self.unixPathBytesMax, !bytes.contains(0) else {
      return nil
    }
    var storage = sockaddr_storage()
    storage.ss_family = sa_family_t(AF_UNIX)
    let offset = MemoryLayout<sa_family_t>.size
    unsafe withUnsafeMutableBytes(of: &storage) { target in
      for (index, byte) in bytes.enumerated() { unsafe target[offset + index] = byte }
    }
    self.init(storage: storage, length: socklen_t(offset + bytes.count + 1))
  }

  /// The port; 0 for a Unix socket.
  var port: UInt16 {
    guard family == AF_INET || family == AF_INET6 else { return 0 }
    // sin_port and sin6_port are both right behind the family.
    return unsafe withUnsafeBytes(of: storage) {
      UInt16(bigEndian: unsafe $0.load(fromByteOffset: 2, as: UInt16.self))
    }
  }

  /// Whether only this machine can reach it: 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, and Unix
  /// sockets.
  var isLoopback: Bool {
    unsafe withUnsafeBytes(of: storage) { bytes in
      switch family {
      case AF_INET: return unsafe bytes[4] == 127
      case AF_INET6:
        let address = unsafe Array(bytes[8..<24])
        let mapped =
          Array(address[0..<10]) == Array(repeating: 0, count: 10)
          && address[10] == 0xff && address[11] == 0xff && address[12] == 127
        return mapped || address == Array(repeating: 0, count: 15) + [1]
      default: return true
      }
    }
  }

  /// Calls `body` with the address; the pointer is valid during the call only.
  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    unsafe withUnsafePointer(to: storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, length)
      }
    }
  }
}
