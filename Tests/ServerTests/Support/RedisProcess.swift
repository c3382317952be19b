import Bytes
import Foundation

@testable import Server

/// A redis-server or a Sentinel of a test's own, in a folder of its own, on loopback; nothing is kept.
final class RedisProcess {
  struct Failure: Error { let what: String }

  /// Where the programs are; nil where one of them is not installed.
  static let folder: String? = (["/usr/bin", "/usr/local/bin"] + path).first { folder in
    ["redis-server", "redis-cli"].allSatisfy {
      FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)")
    }
  }
  private static var path: [String] {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
  }

  let directory: TemporaryDirectory
  let port: UInt16
  private let process = Process()
  private var password: String?

  /// A server with more options, such as `--requirepass`.
  convenience init(_ options: [String] = []) throws {
    try self.init { port, _ in
      ["--port", "\(port)", "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"] + options
    }
    if let at = options.firstIndex(of: "--requirepass") { password = options[at + 1] }
    try answers()
  }

  /// A Sentinel that watches a master by the name `main`.
  convenience init(watching master: RedisProcess) throws {
    try self.init { port, directory in
      try directory.write(
        "sentinel.conf",
        "port \(port)\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 \(master.port) 1\n")
      return [directory.path + "/sentinel.conf", "--sentinel"]
    }
    try answers()
  }

  private init(_ arguments: (UInt16, TemporaryDirectory) throws -> [String]) throws {
    directory = try TemporaryDirectory()
    port = try Self.freePort()
    process.executableURL = URL(fileURLWithPath: (Self.folder ?? "") + "/redis-server")
    process.arguments = try arguments(port, directory)
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  private static func freePort() throws -> UInt16 {
    guard let any = SocketAddress(literal: "127.0.0.1", port: 0) else {
      throw Failure(what: "no address")
    }
    let socket = try Kernel.createSocket(for: any)
    try Kernel.bind(socket, to: any)
    return try Kernel.localAddress(of: socket).port
  }

  private func answers() throws {
    let end = Date(timeIntervalSinceNow: 20)
    while (try? ask("PING")) != "PONG" {
      guard Date() < end, process.isRunning else {
        throw Failure(what: "redis-server does not answer")
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
  }

  /// What it answers to a command.
  @discardableResult
  func ask(_ command: String...) throws -> String {
    let cli = Process()
    cli.executableURL = URL(fileURLWithPath: (Self.folder ?? "") + "/redis-cli")
    cli.arguments = ["-p", "\(port)"] + command
    cli.environment = password.map { ["REDISCLI_AUTH": $0] } ?? [:]
    let pipe = Pipe()
    cli.standardOutput = pipe
    cli.standardError = FileHandle.nullDevice
    try cli.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    cli.waitUntilExit()
    return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .newlines)
  }

  /// Stops it as a machine that hangs, and lets it go on.
  func freeze() { kill(process.processIdentifier, SIGSTOP) }
  func thaw() { kill(process.processIdentifier, SIGCONT) }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}
