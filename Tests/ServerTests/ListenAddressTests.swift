import Testing

@testable import Server

struct ListenAddressTests {
  @Test(arguments: [
    ("unix:/run/t.sock", ListenAddress.unix(path: "/run/t.sock")),
    ("unix:t.sock", .unix(path: "t.sock")),
    ("127.0.0.1:9002", .tcp(host: "127.0.0.1", port: 9002)),
    ("0.0.0.0:0", .tcp(host: "0.0.0.0", port: 0)),
    ("[::1]:65535", .tcp(host: "::1", port: 65_535)),
    ("[::]:1", .tcp(host: "::", port: 1)),
  ])
  func `an address is read and written the same`(text: String, address: ListenAddress) throws {
    #expect(try ListenAddress(text) == address)
    #expect(address.description == text)
  }

  @Test func `localhost is 127.0.0.1`() throws {
    #expect(try ListenAddress("localhost:80") == .tcp(host: "127.0.0.1", port: 80))
  }

  @Test(arguments: [
    ("", ListenAddress.Problem.empty), ("unix:", .unixPathMissing), ("9002", .portMissing),
    ("unix:a\0b", .unixPathHasNUL), ("127.0.0.1:", .portMissing), ("[::1]", .portMissing),
    ("127.0.0.1:65536", .portInvalid("65536")), ("127.0.0.1:+1", .portInvalid("+1")),
    (":9002", .hostMissing(port: 9002)), ("::1:9002", .bracketsMissing("::1")),
    ("example.com:80", .hostNotLiteral("example.com")),
    ("[127.0.0.1]:1", .hostNotLiteral("127.0.0.1")),
    ("1.2.3:80", .hostNotLiteral("1.2.3")), ("[::g]:80", .hostNotLiteral("::g")),
  ])
  func `what is no address is refused with its reason`(
    text: String, problem: ListenAddress.Problem
  ) {
    #expect(throws: problem) { try ListenAddress(text) }
  }

  @Test func `a Unix path has at most 107 bytes`() throws {
    let longest = "/" + String(repeating: "x", count: 106)
    #expect(try ListenAddress("unix:" + longest) == .unix(path: longest))
    #expect(throws: ListenAddress.Problem.unixPathTooLong(bytes: 108)) {
      try ListenAddress("unix:" + longest + "x")
    }
  }

  @Test(arguments: [
    ("127.0.0.1:1", true), ("127.255.0.9:1", true), ("[::1]:1", true), ("unix:/x", true),
    ("[::ffff:127.0.0.1]:1", true), ("0.0.0.0:1", false), ("[::]:1", false),
    ("10.0.0.1:1", false), ("128.0.0.1:1", false), ("[::2]:1", false),
    ("[::ffff:10.0.0.1]:1", false), ("[fe80::1]:1", false),
  ])
  func `loopback is told from the network`(text: String, isLocal: Bool) throws {
    #expect(try ListenAddress(text).isLocal == isLocal)
  }
}
