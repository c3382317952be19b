import Bytes
import Foundation
import Testing

@testable import Server

/// One run of the built `tollgate` binary.
final class CommandRun {
  private let process = Process()
  private let lines = LogCapture()
  private let output = Locked<[UInt8]>([])
  private let readers = DispatchGroup()
  private let ended = DispatchSemaphore(value: 0)

  /// The binary is in the same directory as the tests'.
  private static let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("tollgate")

  /// Starts it, with at most `descriptors` open at once where that is given.
  init(
    _ arguments: [String], environment: [String: String] = [:], descriptors: Int? = nil
  ) throws {
    let limit = descriptors.map { "ulimit -n \($0); " } ?? ""
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", limit + "exec \"$0\" \"$@\"", Self.binary.path] + arguments
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    let (out, err) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    let ended = ended
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    read(out) { [output] bytes in output.withLock { $0.append(contentsOf: bytes) } }
    read(err, lines.append)
  }

  private func read(_ pipe: Pipe, _ take: @escaping @Sendable ([UInt8]) -> Void) {
    let handle = pipe.fileHandleForReading
    let readers = readers
    readers.enter()
    Thread {
      while true {
        let data = handle.availableData
        if data.isEmpty { return readers.leave() }
        take(Array(data))
      }
    }.start()
  }

  var standardError: String { lines.all.joined() }
  var standardOutput: String { String(decoding: output.withLock { $0 }, as: UTF8.self) }

  /// Waits until `text` has been logged.
  func waitFor(_ text: String) throws {
    let end = Date(timeIntervalSinceNow: 20)
    while !standardError.contains(text) {
      if Date() > end || !process.isRunning && !standardError.contains(text) {
        Issue.record("no `\(text)` in: \(standardError)")
        throw TestClient.Late()
      }
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  /// The process's name, as the kernel has it.
  var processName: String? {
    try? String(contentsOfFile: "/proc/\(process.processIdentifier)/comm", encoding: .utf8)
      .trimmingCharacters(in: .newlines)
  }

  func signal(_ number: Int32) {
    kill(process.processIdentifier, number)
  }

  /// The exit status, when it has ended and everything it wrote is read.
  func join() throws -> Int32 {
    guard ended.wait(timeout: .now() + .seconds(30)) == .success else {
      kill(process.processIdentifier, SIGKILL)
      throw TestClient.Late()
    }
    ended.signal()
    guard readers.wait(timeout: .now() + .seconds(20)) == .success else { throw TestClient.Late() }
    return process.terminationStatus
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }
}
