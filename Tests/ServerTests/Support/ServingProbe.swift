@testable import Gateway
@testable import Server

/// A running `tollgate serve` with everything switched on that shows in its pages.
final class ServingProbe {
  /// Headers that are set on a request.
  static var ownHeaders: [String] { HeaderName.ofRequest.map { "\($0)" } }

  private static let policy = """
    {
      version: 1,
      limits: [{ name: "all", requests: 9, per: "day" }],
      models: {},
      groups: { g: { tenants: ["t"], limits: [
        { name: "both", requests: 9, per: "day", mode: "shadow" }] } },
      tenants: {
        t: {
          keys: [{
            id: "k", sha256: "\(String(repeating: "ab", count: 32))",
            limits: [{ name: "slots", concurrent: 1 }],
          }],
        },
      },
    }
    """

  private let directory: TemporaryDirectory
  private let run: CommandRun

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write("p.json5", Self.policy)
    let path = directory.path
    run = try CommandRun([
      "serve", "--policy", path + "/p.json5", "--data", path + "/data", "--workers", "1",
      "--listen", "unix:\(path)/s", "--admin", "unix:\(path)/a", "--metrics", "unix:\(path)/m",
      "--ledger-max-bytes", "64MiB", "--ship", "otlp+unix:\(path)/nobody",
    ])
    try run.waitFor("is ready on")
  }

  /// Asks the admin address, or the one for probes.
  func get(_ path: String, probes: Bool = false) throws -> (status: Int, body: String) {
    let address = ListenAddress.unix(path: directory.path + (probes ? "/m" : "/a"))
    let socket = try Kernel.createSocket(for: address.socketAddress, blocking: true)
    try Kernel.setTimeouts(socket, TestClient.timeout)
    try Kernel.connect(socket, to: address.socketAddress)
    let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    guard case .bytes = Kernel.send(socket, Array(request.utf8)) else { throw TestClient.Late() }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    reading: while true {
      switch Kernel.receive(socket, into: &buffer) {
      case .bytes(0), .failed: break reading
      case .bytes(let count): answer += buffer[..<count]
      case .wouldBlock: throw TestClient.Late()
      }
    }
    let text = String(decoding: answer, as: UTF8.self)
    guard let match = text.prefixMatch(of: /HTTP\/1\.1 (\d{3})/), let status = Int(match.1) else {
      throw TestClient.Ended()
    }
    let body = text.firstRange(of: "\r\n\r\n").map { text[$0.upperBound...] } ?? ""
    return (status, String(body))
  }
}
