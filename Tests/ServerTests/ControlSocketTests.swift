import Foundation
import Log
import Terms
import Testing

@testable import Server

/// What a command asks the process that serves, and what it is answered.
@Suite(.timeLimit(.minutes(2)))
struct ControlSocketTests {
  private let lines = LogCapture()

  private func open(
    _ directory: String, answer: @escaping @Sendable (ControlRequest) -> ControlAnswer
  ) throws -> ControlSocket {
    try ControlSocket(
      directory: directory, log: .init(level: .debug, format: .text, write: lines.append),
      answer: answer)
  }

  @Test func `a request is answered, one after the other, and nobody listens afterwards`() throws {
    let directory = try TemporaryDirectory()
    let socket = try open(directory.path) { request in
      switch request {
      case .revoke(let tenant, let keyID, true): .refused("\(tenant)/\(keyID) is not revoked")
      case .revoke(let tenant, let keyID, false): .done("\(tenant)/\(keyID)")
      }
    }
    let name = "te nant\"\u{e9}\n"
    for undoes in [false, true] {
      let request = ControlRequest.revoke(tenant: name, keyID: "k/1", undoes: undoes)
      #expect(ControlRequest(request.line) == request)
      let answer = try ControlClient.ask(directory.path, request)
      #expect(answer == (undoes ? .refused("\(name)/k/1 is not revoked") : .done("\(name)/k/1")))
    }
    let path = directory.path + "/" + ControlSocket.name
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    socket.stop()
    #expect(!FileManager.default.fileExists(atPath: path))
    let request = ControlRequest.revoke(tenant: "t", keyID: "k", undoes: false)
    #expect(try ControlClient.ask(directory.path, request) == nil)
    #expect(try ControlClient.ask(directory.path + "/none", request) == nil)
  }

  @Test func `a path that is too long for a socket works too`() throws {
    let directory = try TemporaryDirectory()
    let long = directory.path + "/" + String(repeating: "x", count: 120)
    try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: true)
    let socket = try open(long) { _ in .done("done") }
    let request = ControlRequest.revoke(tenant: "t", keyID: "k", undoes: false)
    #expect(try ControlClient.ask(long, request) == .done("done"))
    socket.stop()
    #expect(!FileManager.default.fileExists(atPath: long + "/" + ControlSocket.name))
  }

  @Test(arguments: [
    "", "{}", "[]", "nonsense",
    #"{"version":2,"command":"revoke","tenant":"t","key_id":"k","undo":false}"#,
    #"{"version":1,"command":"other","tenant":"t","key_id":"k","undo":false}"#,
    #"{"version":1,"command":"revoke","tenant":"t","key_id":"k"}"#,
    #"{"version":1,"command":"revoke","tenant":7,"key_id":"k","undo":false}"#,
    #"{"version":1,"command":"revoke","tenant":"t","tenant":"u","key_id":"k","undo":false}"#,
  ])
  func `what is no request of this version is none`(_ line: String) {
    #expect(ControlRequest(Array(line.utf8)) == nil)
    #expect(ControlAnswer(Array(line.utf8)) == nil)
  }
}
