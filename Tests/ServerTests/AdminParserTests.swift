import Testing

@testable import Server

struct AdminParserTests {
  private typealias Step = HTTPRequestParser.Step

  private func limits() -> HTTPLimits {
    var limits = HTTPLimits()
    limits.requestLineBytesMax = 64
    limits.headBytesMax = 160
    limits.fieldsMax = 3
    return limits
  }

  /// Every step until more bytes are needed, with the bytes given in `pieces`.
  private func steps(_ pieces: [ArraySlice<UInt8>]) -> [Step] {
    var parser = HTTPRequestParser(limits: limits())
    var steps: [Step] = []
    for piece in pieces {
      parser.append(piece)
      while true {
        let step = parser.next()
        if step == .needsMore { break }
        steps.append(step)
        if case .fault = step { return steps }
      }
    }
    return steps
  }

  private func steps(_ text: String) -> [Step] { steps([Array(text.utf8)[...]]) }

  private func request(
    _ path: String, _ query: String? = nil, host: String? = "a", isHead: Bool = false,
    keepsAlive: Bool = true
  ) -> Step {
    var request = HTTPRequest(path: path, query: query)
    request.authority = host.flatMap { HTTPAuthority($0) }
    request.isHead = isHead
    request.keepsAlive = keepsAlive
    return .request(request)
  }

  private var good: [(String, [Step])] {
    [
      ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", [request("/")]),
      ("HEAD /x?y=1?z HTTP/1.1\r\nhOsT:a\r\n\r\n", [request("/x", "y=1?z", isHead: true)]),
      ("\r\nGET /x? HTTP/1.1\r\nHost: \t a \t\r\n\r\n", [request("/x", "")]),
      ("GET / HTTP/1.0\r\n\r\n", [request("/", host: nil, keepsAlive: false)]),
      ("GET / HTTP/1.7\r\nHost: a\r\n\r\n", [request("/")]),
      (
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n",
        [request("/", keepsAlive: false)]
      ),
      ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", [request("/")]),
      ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", [request("/")]),
      ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{e9}\t!\r\n\r\n", [request("/")]),
      ("GET / HTTP/1.1\r\nHost:\r\n\r\n", [request("/", host: "")]),
      ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", [request("/", host: "[::1]:80")]),
      ("GET http://b:1/x?q HTTP/1.1\r\nHost: a\r\n\r\n", [request("/x", "q", host: "b:1")]),
      ("GET HTTP://b HTTP/1.1\r\nHost: a\r\n\r\n", [request("/", host: "b")]),
      ("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", [request("/", "q", host: "b")]),
      (
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /3",
        [request("/1"), request("/2")]
      ),
      ("GET / HTTP/1.1\r\nHost: a\r\n\r", []), ("", []), ("\r\n", []),
    ]
  }

  private let bad: [(String, HTTPStatus)] = [
    ("GET / HTTP/1.1\nHost: a\n\n", .badRequest), ("GET / HTTP/1.1\r\r\n", .badRequest),
    ("GET /\rx HTTP/1.1\r\n", .badRequest), ("\0", .badRequest), ("GET /\u{7f}", .badRequest),
    ("\r\n\r\nGET", .badRequest), ("\u{16}\u{3}\u{1}", .badRequest),
    ("GET /\r\n\r\n", .badRequest), ("GET  / HTTP/1.1\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1 \r\n\r\n", .badRequest), (" GET / HTTP/1.1\r\n\r\n", .badRequest),
    ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET / HTTP/11\r\nHost: a\r\n\r\n", .badRequest),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a:70000\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\n x\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nx\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n", .badRequest),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", .badRequest
    ),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: x\r\n\r\n", .badRequest
    ),
    ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .contentTooLarge),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", .contentTooLarge),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", .methodNotAllowed),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", .methodNotAllowed),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .methodNotAllowed),
    ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", .methodNotAllowed),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionNotSupported),
    ("GET / HTTP/0.9\r\n\r\n", .versionNotSupported),
  ]

  @Test func `good requests are read`() {
    for (text, expected) in good { #expect(steps(text) == expected, "\(text.debugDescription)") }
  }

  @Test func `bad requests get their exact status, and nothing behind them is read`() {
    for (text, status) in bad {
      let found = steps(text + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(found.count == 1, "\(text.debugDescription)")
      guard case .fault(let fault)? = found.first else {
        Issue.record("\(text.debugDescription) is taken")
        continue
      }
      #expect(fault.status == status, "\(text.debugDescription): \(fault)")
    }
  }

  @Test func `what is found does not depend on how the bytes were cut`() {
    for text in good.map(\.0) + bad.map(\.0) {
      let bytes = Array(text.utf8)
      let whole = steps(text)
      for cut in 0...bytes.count {
        #expect(
          steps([bytes[..<cut], bytes[cut...]]) == whole, "\(text.debugDescription) at \(cut)")
      }
      #expect(steps(bytes.indices.map { bytes[$0...$0] }) == whole, "\(text.debugDescription)")
    }
  }

  @Test func `a request line is as long as its limit, and not one byte longer`() {
    func line(_ count: Int) -> String {
      "GET /" + String(repeating: "x", count: count - 14) + " HTTP/1.1"
    }
    let rest = "\r\nHost: a\r\n\r\n"
    #expect(steps(line(64) + rest).count == 1)
    guard case .request = steps(line(64) + rest)[0] else {
      Issue.record("the limit itself is refused")
      return
    }
    #expect(steps(line(65) + rest) == [.fault(.requestLineTooLong(limit: 64))])
    // Without an end, as soon as the limit is passed.
    #expect(steps(String(repeating: "x", count: 64)) == [])
    #expect(steps(String(repeating: "x", count: 65)) == [.fault(.requestLineTooLong(limit: 64))])
  }

  @Test func `a head is as large as its limit, and not one byte larger`() {
    func head(_ count: Int) -> String {
      let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
      let end = "\r\n\r\n"
      return start + String(repeating: "x", count: count - start.utf8.count - end.utf8.count) + end
    }
    #expect(steps(head(160)) == [request("/")])
    #expect(steps(head(161)) == [.fault(.headTooLarge(limit: 160))])
  }

  @Test func `header fields are as many as their limit, and not one more`() {
    func head(_ count: Int) -> String {
      "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: 1\r\n", count: count - 1) + "\r\n"
    }
    #expect(steps(head(3)) == [request("/")])
    #expect(steps(head(4)) == [.fault(.tooManyFields(limit: 3))])
  }

  @Test func `only names that no DNS can point here are this machine`() {
    for (name, isLocal) in [
      ("localhost", true), ("LOCALHOST:9090", true), ("localhost.:1", true),
      ("tollgate.localhost", true), ("127.0.0.1", true), ("127.0.0.1:9090", true),
      ("10.0.0.1", true), ("[::1]", true), ("[::1]:9090", true), ("evil.example", false),
      ("localhost.evil.example", false), ("127.0.0.1.evil.example", false), ("", false),
      ("xlocalhost", false), ("1", false), ("0x7f.1", false),
    ] as [(String, Bool)] {
      #expect(HTTPAuthority(name)?.isLocalhostOrLiteral == isLocal, "\(name)")
    }
  }

  @Test func `health is told under any name, what the traffic is only under our own`() {
    let (own, other) = (HTTPAuthority("localhost"), HTTPAuthority("pod.example"))
    for path in [
      "/healthz", "/readyz", "/metrics", "/", "/api/v1/status", "/healthz/", "/readyz/x",
    ] {
      let isHealth = path == "/healthz" || path == "/readyz"
      #expect(AdminScope.loopback.accepts(own, path: path))
      #expect(AdminScope.loopback.accepts(other, path: path) == isHealth, "\(path)")
      #expect(AdminScope.socket.accepts(other, path: path))
      #expect(AdminScope.probes.accepts(other, path: path))
    }
  }
}
