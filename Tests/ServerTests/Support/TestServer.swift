import Bytes
import Foundation
import Gateway
import Log
import Terms
import Testing
import Transport

@testable import Server

/// A server on a thread of its own, in a temporary directory.
final class TestServer {
  let directory: TemporaryDirectory
  let addresses: [ListenAddress]
  let handle: ServerHandle
  let lines = LogCapture()
  private let status = Locked<Int32?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  var address: ListenAddress { addresses[0] }

  /// Listens on one Unix socket unless `change` says otherwise.
  init(_ change: (inout ServerConfiguration, TemporaryDirectory) -> Void = { _, _ in }) throws {
    directory = try TemporaryDirectory()
    var configuration = ServerConfiguration()
    configuration.listen = [.unix(path: directory.path + "/s.sock")]
    configuration.workers = 2
    configuration.drainTimeout = .seconds(20)
    change(&configuration, directory)
    let log = Logger(level: .debug, format: .text, write: lines.append)
    let server = try Server(configuration, log: log) { EchoGateway() }
    addresses = server.addresses
    handle = server.handle
    let handover = Handover(server)
    let (status, ended) = (status, ended)
    Thread {
      let result = handover.take().run()
      log.flush()
      status.withLock { $0 = result }
      ended.signal()
    }.start()
  }

  /// Asks for the drain.
  func stop() {
    handle.stop()
  }

  /// The exit status, when the server has ended; fails at the deadline.
  func join() throws -> Int32 {
    guard ended.wait(timeout: .now() + .seconds(20)) == .success else { throw TestClient.Late() }
    ended.signal()
    let status = status.withLock { $0 }
    return try #require(status)
  }

  /// Ends a server that its test has not ended.
  deinit {
    if status.withLock({ $0 }) == nil {
      handle.workers.postToAll { $0.stop() }
      handle.stop()
    }
  }
}

/// The lines a log was given.
final class LogCapture: Sendable {
  private let text = Locked<[String]>([])

  var append: @Sendable ([UInt8]) -> Void {
    { [text] line in text.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
  }

  var all: [String] { text.withLock { $0 } }

  func contains(_ part: String) -> Bool { all.contains { $0.contains(part) } }

  /// What `log` has written so far, without the lines' time.
  func said(by log: Logger) -> [String] {
    log.flush()
    return all.map { String($0.dropLast().split(separator: " ", maxSplits: 1)[1]) }
  }

  /// Waits for a line with that in it; false where it does not come.
  func comes(_ part: String) -> Bool {
    let end = MonotonicTime.now + TestClient.timeout
    while !contains(part) {
      if end < .now { return false }
      usleep(1000)
    }
    return true
  }
}
