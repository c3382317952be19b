import Testing

@testable import Lint

/// The small rules behind the checks of routes, listeners and pods.
struct WiringTests {
  @Test(arguments: [
    ("chat-v1", ["chat-v1"]), ("^chat-v1$", ["chat-v1"]), ("(a|b)", ["a", "b"]),
    ("^(?:a|b|c)$", ["a", "b", "c"]), (#"llama3\.1"#, ["llama3.1"]), (#"a\|b"#, ["a|b"]),
  ])
  func `an expression of texts alone lists them`(_ pattern: String, _ words: [String]) {
    #expect(Pattern.words(of: pattern) == words)
  }

  @Test(arguments: [
    ".*", "chat-.*", "chat.v1", "chat-v[12]", "(a|b", "a|", "", #"\d"#, #"a\"#, "a?", "((a)|b)",
  ])
  func `an expression of anything else lists nothing`(_ pattern: String) {
    #expect(Pattern.words(of: pattern) == nil)
  }

  private func match(_ values: TextMatcher...) -> RouteMatch {
    RouteMatch(
      path: .prefix("/"), headers: values.map { RouteMatch.Header(name: "m", value: $0) },
      isNarrower: false)
  }

  @Test func `a match leaves a header open unless each value it takes is named`() {
    #expect(!match().leavesOpen("m"))
    #expect(!match(.exact("a")).leavesOpen("m"))
    #expect(!match(.regex("a|b")).leavesOpen("m"))
    #expect(match(.regex("a.*")).leavesOpen("m"))
    #expect(match(.other).leavesOpen("m"))
    #expect(!match(.other, .exact("a")).leavesOpen("m"))
    #expect(TextMatcher(pattern: "^a$") == .exact("a"))
    #expect(TextMatcher(pattern: "a|b") == .regex("a|b"))
  }

  private func listener(_ json: String) throws -> Field {
    Field(document: Document(source: "", hasLines: true, root: try node(json)), object: "")
  }

  @Test(arguments: [
    ("*.example.com", ["a.example.com"], true), ("*.example.com", ["a.b.example.com"], true),
    ("*.example.com", ["example.com"], false), ("*.example.com", ["*.example.com"], true),
    ("*.example.com", ["*.b.example.com"], true), ("*.b.example.com", ["*.example.com"], true),
    ("a.example.com", ["*.example.com"], true), ("a.example.com", ["b.example.com"], false),
    ("a.example.com", ["b.example.com", "A.example.com"], true),
    ("*.example.com", ["a.example.org"], false),
  ])
  func `a listener serves the hosts that its own takes in`(
    _ own: String, _ hosts: [String], _ serves: Bool
  ) throws {
    #expect(ListenerAdmission.serves(try listener(#"{"hostname": "\#(own)"}"#), hosts) == serves)
    #expect(ListenerAdmission.serves(try listener("{}"), hosts))
  }

  @Test(arguments: [
    ("127.0.0.1:9091", true), ("127.1.2.3:9091", true), ("localhost:9091", true),
    ("[::1]:9091", true), ("0.0.0.0:9091", false), ("[::]:9091", false), ("10.0.0.7:9091", false),
  ])
  func `the loopback is told from the pod's address`(_ text: String, _ isLoopback: Bool) throws {
    let address = try #require(TCPAddress(text))
    #expect(address.port == 9091)
    #expect(address.isLoopback == isLoopback)
  }

  @Test(arguments: ["unix:/run/x:1", "9091", "host:", "host:port", ""])
  func `what is no address is none`(_ text: String) { #expect(TCPAddress(text) == nil) }

  @Test(arguments: [
    ("8GiB", Int64(8) << 30), ("512MiB", 512 << 20), ("64kB", 64_000), ("2GB", 2_000_000_000),
    ("65536", 65_536), ("65536B", 65_536),
  ])
  func `sizes are read as flags have them`(_ text: String, _ bytes: Int64) {
    #expect(Amount.flagBytes(text) == bytes)
  }
}
