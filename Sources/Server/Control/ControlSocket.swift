import Bytes
import Foundation
import Glibc
import Log
import Terms

/// The socket in the data directory by which a command of the same user asks the process that serves from
/// it, and waits for the answer: one request and one answer a connection, each a line of JSON.
///
/// The file's mode is 0600, and the kernel is asked who connects (SO_PEERCRED): only this process's user
/// and root are answered. Any thread; its own thread answers, one connection at a time.
package final class ControlSocket: Sendable {
  /// The file's name in the data directory.
  package static let name = "control.sock"
  static let mode: UInt32 = 0o600
  /// The number of the messages' form. A peer that has another is told so.
  static let version: Int64 = 1
  /// How long a peer may take to send its line, and to take the answer.
  static let patience = Duration.seconds(2)
  static let lineBytesMax = 4096

  private let listener: Listener
  private let wakeEvent: Descriptor
  /// Keeps the directory's descriptor, which the address may go by.
  private let place: ControlPlace
  private let isStopped = Locked(false)
  private let ended = DispatchSemaphore(value: 0)

  /// Listens, and answers from now on: `answer` is called on the socket's thread.
  package init(
    directory: String, log: Logger, answer: @escaping @Sendable (ControlRequest) -> ControlAnswer
  ) throws {
    place = try ControlPlace(directory: directory)
    listener = try Listener(place.address, allowPlaintextNetwork: false, unixMode: Self.mode)
    wakeEvent = try Kernel.createEvent()
    let thread = Thread { [self] in
      run(log, answer)
      ended.signal()
    }
    thread.name = "control"
    thread.start()
  }

  /// Ends the thread and removes the file.
  package func stop() {
    isStopped.withLock { $0 = true }
    Kernel.signal(wakeEvent)
    _ = ended.wait(timeout: .now() + .seconds(5))
    listener.removeFile()
  }

  private func run(_ log: Logger, _ answer: (ControlRequest) -> ControlAnswer) {
    while true {
      var polled = [Polled(wakeEvent.raw, reads: true), Polled(listener.socket.raw, reads: true)]
      Kernel.poll(&polled, timeoutMilliseconds: -1)
      if isStopped.withLock({ $0 }) { return }
      guard let socket = try? Kernel.accept(listener.socket) else {
        // No descriptor is left, or the peer has gone: not in a loop without a pause.
        if polled[1].isReadable { Thread.sleep(forTimeInterval: 0.01) }
        continue
      }
      guard let user = try? Kernel.peerUser(of: socket), user == geteuid() || user == 0 else {
        log.log(.warning, .controlRefused, "another user's process asked at \(Self.name): refused")
        continue
      }
      guard let line = ControlLine.receive(socket, within: Self.patience) else { continue }
      let reply =
        ControlRequest(line).map(answer) ?? .refused("it is not a request of this version")
      ControlLine.send(reply.line, to: socket, within: Self.patience)
    }
  }
}

/// Where the socket of a data directory is. A path that is too long for a socket goes by a descriptor of
/// the directory.
struct ControlPlace {
  let address: ListenAddress
  private let descriptor: Descriptor?

  init(directory: String) throws(SystemError) {
    let path = directory + "/" + ControlSocket.name
    if path.utf8.count <= SocketAddress.unixPathBytesMax {
      descriptor = nil
      address = .unix(path: path)
    } else {
      let opened = try Kernel.openDirectory(directory)
      descriptor = opened
      address = .unix(path: "/proc/self/fd/\(opened.raw)/\(ControlSocket.name)")
    }
  }
}

/// A line of either side.
enum ControlLine {
  /// The line without its newline; nil where it does not come within that time, or is too long.
  static func receive(_ socket: Descriptor, within limit: Duration) -> [UInt8]? {
    let end = MonotonicTime.now + limit
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1024)
    while line.count <= ControlSocket.lineBytesMax {
      guard Kernel.pollReadable([socket], timeoutMilliseconds: left(end))[0] else { return nil }
      switch Kernel.receive(socket, into: &buffer) {
      case .bytes(0), .failed: return nil
      case .wouldBlock: continue
      case .bytes(let count):
        line += buffer[..<count]
        if let newline = line.firstIndex(of: UInt8(ascii: "\n")) { return Array(line[..<newline]) }
      }
    }
    return nil
  }

  /// False where it is not taken within that time.
  @discardableResult
  static func send(_ line: [UInt8], to socket: Descriptor, within limit: Duration) -> Bool {
    let end = MonotonicTime.now + limit
    let bytes = line + [UInt8(ascii: "\n")]
    var start = 0
    while start < bytes.count {
      switch Kernel.send(socket, bytes, from: start) {
      case .bytes(let count): start += count
      case .failed: return false
      case .wouldBlock:
        var polled = [Polled(socket.raw, writes: true)]
        Kernel.poll(&polled, timeoutMilliseconds: left(end))
        guard polled[0].isWritable else { return false }
      }
    }
    return true
  }

  private static func left(_ end: MonotonicTime) -> Int32 {
    Poller.milliseconds(max(.zero, end - .now))
  }
}
