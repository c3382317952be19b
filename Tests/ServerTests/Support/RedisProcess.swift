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
  private(set) var port: UInt16 = 0
  private var process = Process()
  private let password: String?

  /// A server with more options, such as `--requirepass`.
  convenience init(_ options: [String] = []) throws {
    let password = options.firstIndex(of: "--requirepass").map { options[$0 + 1] }
    try self.init(password: password) { port, _ in
      ["--port", "\(port)", "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"] + options
    }
  }

  /// The only server of a cluster, without slots.
  static func inCluster() throws -> RedisProcess {
    try RedisProcess(password: nil) { port, _ in
      // The bus's own port is 10,000 higher unless another is given, which may be none.
      let bus = try freePort()
      return [
        "--port", "\(port)", "--save", "", "--bind", "127.0.0.1", "--cluster-enabled", "yes",
        "--cluster-config-file", "nodes.conf", "--cluster-port", "\(bus)",
      ]
    }
  }

  /// A Sentinel that watches a master by the name `main`.
  convenience init(watching master: RedisProcess) throws {
    try self.init(password: nil) { port, directory in
      let configuration =
        "port \(port)\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 \(master.port) 1\n"
      try directory.write("sentinel.conf", configuration)
      return [directory.path + "/sentinel.conf", "--sentinel"]
    }
  }

  private init(
    password: String?, _ arguments: (UInt16, TemporaryDirectory) throws -> [String]
  ) throws {
    self.password = password
    directory = try TemporaryDirectory()
    // Somebody else may take a port between its choice and its use: then with another one.
    for _ in 0..<5 {
      port = try Self.freePort()
      process = Process()
      process.executableURL = URL(fileURLWithPath: (Self.folder ?? "") + "/redis-server")
      process.arguments = try arguments(port, directory)
      process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      if answers() { return }
      if process.isRunning { break }
    }
    throw Failure(what: "redis-server does not answer")
  }

  private static func freePort() throws -> UInt16 {
    guard let any = SocketAddress(literal: "127.0.0.1", port: 0) else {
      throw Failure(what: "no address")
    }
    let socket = try Kernel.createSocket(for: any)
    try Kernel.bind(socket, to: any)
    return try Kernel.localAddress(of: socket).port
  }

  /// Whether it answers within 20 seconds; false at once where it has ended.
  private func answers() -> Bool {
    let end = Date(timeIntervalSinceNow: 20)
    while process.isRunning, Date() < end {
      if (try? ask("PING")) == "PONG" { return process.isRunning }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return false
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
