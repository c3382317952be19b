import Testing

@testable import Gateway

/// Spans cannot stand inside an expectation.
private func isOwned(_ name: String) -> Bool { HeaderName.isOwned(Array(name.utf8).span) }
private func timeMs(of id: [UInt8]) -> Int64? { RequestIDs.unixMilliseconds(of: id.span) }
private func isWellFormed(_ id: [UInt8]) -> Bool { RequestIDs.isWellFormed(id.span) }
private func mediaType(_ text: String) -> MediaType { MediaType(Array(text.utf8).span) }
private func looksLikeJWT(_ text: String) -> Bool {
  Identification.looksLikeJWT(Array(text.utf8).span)
}

@Suite struct HeaderNameTests {
  @Test func `every header of ours is ours in every spelling`() {
    for name in HeaderName.owned {
      let text = String(decoding: name, as: UTF8.self)
      for spelling in [
        text, text.uppercased(), text.replacing("-", with: "_"),
        text.replacing("x-ai-", with: "x_ai-"), text.uppercased().replacing("-", with: "_"),
      ] {
        #expect(isOwned(spelling), "\(spelling)")
      }
    }
  }

  @Test func `the endpoint picker's and a client's own headers are not ours`() {
    for name in [
      "x-gateway-destination-endpoint", "x-gateway-destination-endpoint-served", "x-ai-models",
      "x-ai-mode", "x-ai", "x-session-id", "ai-tenant", "x-ai-tenants", "xx-ai-tenant", "",
    ] {
      #expect(!isOwned(name), "\(name)")
    }
  }

  @Test func `an id is well-formed as it is made, and sorts by time`() {
    var ids = RequestIDs(seed: Xoshiro256(words: (1, 2, 3, 4)))
    let first = ids.next(unixMilliseconds: 1_700_000_000_000)
    let second = ids.next(unixMilliseconds: 1_700_000_000_001)
    #expect(isWellFormed(first))
    #expect(String(decoding: first.prefix(14), as: UTF8.self) == "req_01HF7YAT00")
    #expect(first.lexicographicallyPrecedes(second))
    var other = first
    other[7] = UInt8(ascii: "U")
    #expect(!isWellFormed(other))
    #expect(!isWellFormed(Array(first.dropLast())))
  }

  @Test(arguments: [0, 1, 1_700_000_000_123, 1 << 48 - 1])
  func `an id tells when it was made`(milliseconds: Int64) {
    var ids = RequestIDs(seed: Xoshiro256(words: (1, 2, 3, 4)))
    let id = ids.next(unixMilliseconds: milliseconds)
    #expect(timeMs(of: id) == milliseconds)
    #expect(timeMs(of: Array(id.dropLast())) == nil)
    #expect(timeMs(of: id.map { $0 | 0x20 }) == nil)
  }

  @Test func `a name becomes one segment of a path`() {
    #expect(
      BodyDecision.segment(Array("meta-llama/Llama 3.1~x_y%".utf8))
        == Array("meta-llama%2FLlama%203.1~x_y%25".utf8))
  }

  @Test func `a thousand ids are a thousand, whatever the random words`() {
    var ids = RequestIDs(seed: Xoshiro256(words: (.max, .max, .max, .max)))
    let made = Set((0..<1000).map { _ in ids.next(unixMilliseconds: .max) })
    #expect(made.count == 1000)
    #expect(made.allSatisfy(isWellFormed))
  }

  @Test(arguments: [
    ("application/json", MediaType.json), ("Application/JSON ; charset=UTF-8", .json),
    ("application/json;charset=\"utf-8\"", .json), ("application/json; charset=utf-16", .other),
    ("application/jsonp", .other), ("text/json", .other), ("", .other),
    ("multipart/form-data; boundary=x", .multipart), ("multipart/mixed; boundary=x", .other),
    ("application/grpc", .grpc), ("application/grpc+proto", .grpc),
    ("application/json; v=1; charset=latin1", .other),
    ("application/json; charset =utf-7", .other),
    ("application/json; charset*=us-ascii''utf-7", .other),
    ("application/json; charset=utf-8; charset=utf-7", .other),
    ("application/json; v=1", .json), ("application/json;\u{a0}charset=utf-7", .other),
    ("application/json;", .json), (" application/json", .other), ("application/json ", .json),
    // What is no parameter, or one that readers cut differently.
    ("application/json; v", .other), ("application/json; v=", .other),
    ("application/json; v=1 2", .other), ("application/json; v=1; v=2", .other),
    ("application/json; v=\"1", .other), ("application/json; v=\"\\a\"", .other),
    ("application/json; v=a/b", .other), ("application/json; v=\"a/b; c\"", .json),
    ("application/json; charset=utf-8; charset=utf-8", .other),
    ("application/json; v=\";charset=utf-7\"", .other),
    ("application/json; v=\";charset=utf-8\"", .other),
    ("application/json; v=\"\u{e9}\"", .other),
    ("APPLICATION/GRPC;garbage", .grpc), (" application/grpc", .other),
    ("multipart/form-data; boundary", .multipart),
  ])
  func `a content type is read without case and with its charset`(
    _ text: String, _ expected: MediaType
  ) {
    #expect(mediaType(text) == expected)
  }

  @Test(arguments: [
    ("a.b.c", true), ("eyJh.eyJz.c2ln", true), ("a.b", false), ("a..c", false), (".b.c", false),
    ("a.b.", false), ("a.b.c.d", false), ("a.b.c=", false), ("tg_abc", false), ("", false),
  ])
  func `three base64url parts look like a JWT`(_ text: String, _ expected: Bool) {
    #expect(looksLikeJWT(text) == expected)
  }
}
