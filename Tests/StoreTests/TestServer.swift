import Foundation
import Glibc
import Redis

/// A redis-server of a test's own: on a socket in a folder of its own, without a port and without a
/// file of data. Ended by `end`.
final class TestServer {
  struct Failure: Error {
    let what: String
  }

  /// Where redis-server is; nil where it is not installed.
  static let program: String? = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
    .map { $0 + "/redis-server" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  static let missing = "redis-server is not installed"

  private let process = Process()
  private let folder: URL
  private var descriptor: Int32 = -1
  private var parser = RESPParser()
  private var received: [UInt8] = []
  private var offset = 0

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(
      path: "tg-\(UInt32.random(in: 0 ..< .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let socket = folder.appending(path: "redis").path
    process.executableURL = URL(filePath: Self.program ?? "")
    process.arguments = [
      "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir",
      folder.path,
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: 20)
    while !connect(to: socket) {
      guard Date() < deadline, process.isRunning else {
        end()
        throw Failure(what: "redis-server does not answer")
      }
      usleep(5_000)
    }
  }

  func end() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    // Nothing is kept, so nothing has to be put in order; a signal that can be ignored may be.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    let deadline = Date(timeIntervalSinceNow: 5)
    while process.isRunning && Date() < deadline { usleep(1_000) }
    try? FileManager.default.removeItem(at: folder)
  }

  private func connect(to path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
      unsafe room.copyBytes(from: Array(path.utf8.prefix(room.count - 1)))
    }
    var wait = timeval(tv_sec: 20, tv_usec: 0)
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe Glibc.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      return false
    }
    self.descriptor = descriptor
    return true
  }

  /// Sends commands at once, and returns their answers.
  func ask(_ commands: [[[UInt8]]]) throws -> [RESPValue] {
    var bytes: [UInt8] = []
    for command in commands { RESPWriter.append(command, to: &bytes) }
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes[sent...].withUnsafeBytes { rest in
        unsafe write(descriptor, rest.baseAddress, rest.count)
      }
      guard count > 0 else { throw Failure(what: "the connection broke") }
      sent += count
    }
    return try commands.map { _ in try next() }
  }

  func ask(_ words: String...) throws -> RESPValue {
    try ask([words.map { Array($0.utf8) }])[0]
  }

  private func next() throws -> RESPValue {
    while true {
      let bytes = received
      if let value = try parser.next(in: bytes.span, from: &offset) { return value }
      received = [UInt8](repeating: 0, count: 65_536)
      offset = 0
      let count = unsafe received.withUnsafeMutableBytes { room in
        unsafe read(descriptor, room.baseAddress, room.count)
      }
      guard count > 0 else { throw Failure(what: "the connection broke") }
      received.removeLast(received.count - count)
    }
  }
}
