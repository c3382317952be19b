import Foundation
import Testing

@testable import Server

struct ListenerTests {
  private func open(_ path: String) throws -> Listener {
    try Listener(.unix(path: path), allowPlaintextNetwork: false)
  }

  @Test func `a Unix socket's file is 0660, whatever the umask takes away`() throws {
    let directory = try TemporaryDirectory()
    let listener = try open(directory.path + "/s")
    #expect(try Kernel.identity(ofFile: directory.path + "/s").mode & 0o7777 == 0o660)
    withExtendedLifetime(listener) {}
  }

  @Test func `a live socket is refused and left alone`() throws {
    let directory = try TemporaryDirectory()
    let address = ListenAddress.unix(path: directory.path + "/s")
    let first = try open(directory.path + "/s")
    #expect(throws: ListenError.inUse(address)) { try open(directory.path + "/s") }
    let probe = try Kernel.createSocket(for: address.socketAddress, blocking: true)
    try Kernel.connect(probe, to: address.socketAddress)
    withExtendedLifetime(first) {}
  }

  @Test func `a stale socket is replaced`() throws {
    let directory = try TemporaryDirectory()
    let address = ListenAddress.unix(path: directory.path + "/s")
    do {
      // Bound and never listened on: nobody answers, and the file stays.
      let dead = try Kernel.createSocket(for: address.socketAddress)
      try Kernel.bind(dead, to: address.socketAddress)
    }
    #expect(FileManager.default.fileExists(atPath: directory.path + "/s"))
    let listener = try open(directory.path + "/s")
    let probe = try Kernel.createSocket(for: address.socketAddress, blocking: true)
    try Kernel.connect(probe, to: address.socketAddress)
    withExtendedLifetime(listener) {}
  }

  @Test func `a file that is no socket is refused and left alone`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("s", "precious")
    #expect(throws: ListenError.notASocket(.unix(path: directory.path + "/s"))) {
      try open(directory.path + "/s")
    }
    #expect(try String(contentsOfFile: directory.path + "/s", encoding: .utf8) == "precious")
  }

  @Test func `the file goes with its listener, another's stays`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/s"
    var listener: Listener? = try open(path)
    listener = nil
    #expect(!FileManager.default.fileExists(atPath: path))
    listener = try open(path)
    try directory.rename("s", to: "moved")
    let other = try open(path)
    listener = nil
    #expect(listener == nil)
    #expect(FileManager.default.fileExists(atPath: path))
    withExtendedLifetime(other) {}
  }

  @Test func `an address on the network is refused unless it is allowed`() throws {
    let address = ListenAddress.tcp(host: "0.0.0.0", port: 0)
    #expect(throws: ListenError.plaintextNetwork(address)) {
      try Listener(address, allowPlaintextNetwork: false)
    }
    let listener = try Listener(address, allowPlaintextNetwork: true)
    guard case .tcp(_, let port) = listener.address else { return #expect(Bool(false)) }
    #expect(port != 0)
  }

  @Test func `a port in use is refused`() throws {
    let first = try Listener(.tcp(host: "127.0.0.1", port: 0), allowPlaintextNetwork: false)
    let taken = SystemError(call: "bind", code: EADDRINUSE)
    #expect(throws: ListenError.system(first.address, taken)) {
      try Listener(first.address, allowPlaintextNetwork: false)
    }
  }
}
