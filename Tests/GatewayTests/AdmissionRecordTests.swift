import Books
import EnvoyAPI
import Foundation
import Ledger
import Terms
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#
private let uuid = "8B4E0B5A-6a51-4e0c-9d0f-6a2f5f1f9a10"
private let otherUUID = "00000000-0000-4000-8000-000000000000"

/// What a record says of where a request came from, and that every answer has one.
@Suite(.timeLimit(.minutes(2))) struct AdmissionRecordTests {
  @Test(arguments: [
    ("203.0.113.7:48122", true), ("0.0.0.0:0", true), ("255.255.255.255:65535", true),
    ("[2001:db8::1]:443", true), ("[::]:1", true), ("[::1]:65535", true),
    ("[1:2:3:4:5:6:7:8]:1", true), ("[1:2:3:4:5:6:7::]:1", true), ("[::2:3:4:5:6:7:8]:1", true),
    ("[::ffff:192.0.2.1]:1", true), ("[1:2:3:4:5:6:192.0.2.1]:1", true),
    ("[fe80::abcd%2]:80", true), ("[FE80::ABCD%4294967295]:80", true),
    ("", false), (":1", false), ("203.0.113.7", false), ("203.0.113.7:", false),
    ("203.0.113.7:65536", false), ("203.0.113.7:123456", false), ("203.0.113.7:-1", false),
    ("203.0.113.256:1", false), ("203.0.113:1", false), ("203.0.113.7.1:1", false),
    ("203..113.7:1", false), ("2001:db8::1:443", false), ("[2001:db8::1]", false),
    ("[]:1", false), ("[:]:1", false), ("[1]:1", false), ("[1:2:3:4:5:6:7]:1", false),
    ("[1:2:3:4:5:6:7:8:9]:1", false), ("[1:2:3:4:5:6:7:8::]:1", false), ("[1::2::3]:1", false),
    ("[12345::]:1", false), ("[g::]:1", false), ("[::1:]:1", false), ("[:::]:1", false),
    ("[::ffff:192.0.2]:1", false), ("[::192.0.2.1:1]:1", false), ("[fe80::1%]:1", false),
    ("[fe80::1%eth0]:1", false), ("[fe80::1%12345678901]:1", false),
    ("/run/envoy.sock", false), ("@envoy", false), ("evil.example:80", false),
    ("203.0.113.7\n:1", false), ("203.0.113.7\0x:1", false),
    (String(repeating: "1", count: 65), false),
  ])
  func `a source is an address and a port and nothing else`(_ text: String, _ isOne: Bool) {
    let bytes = Array(text.utf8)
    #expect(SourceAddress(bytes.span)?.text == (isOne ? text : nil))
    // The two parts, as ext_authz has them.
    guard isOne, let colon = text.lastIndex(of: ":"),
      let port = UInt32(text[text.index(after: colon)...])
    else { return }
    let address = Array(text[..<colon].filter { !"[]".contains($0) }.utf8)
    #expect(SourceAddress(address: address.span, port: port)?.text == text)
    #expect(SourceAddress(address: address.span, port: 65536) == nil)
  }

  @Test(
    arguments: [
      ([:], [], nil, nil),
      (["source.address": "203.0.113.7:48122", "request.id": uuid], [], "203.0.113.7:48122", uuid),
      (["source.address": "[::1]:9", "request.id": "no id"], [], "[::1]:9", nil),
      (
        ["source.address": "/run/client.sock", "request.id": uuid],
        [("x-request-id", otherUUID)], nil, otherUUID
      ),
      (["request.id": uuid], [("x-request-id", "the client's word")], nil, uuid),
      (["request.id": String(repeating: "-", count: 36)], [], nil, nil),
    ] as [([String: String], [(String, String)], String?, String?)])
  func `ext_proc's attributes tell the source and Envoy's id`(
    _ attributes: [String: String], _ headers: [(String, String)], _ source: String?, _ id: String?
  ) throws {
    let kept = try KeptGateway(keptPolicy())
    let stream = kept.process()
    stream.send(Message.requestHeaders(Message.headers(headers), attributes: attributes))
    stream.send(Message.body(.requestBody, chat))
    stream.reset()
    // A refusal has them too.
    kept.process().send(
      Message.requestHeaders(
        Message.headers(headers, without: ["authorization"]), attributes: attributes))
    let records = try kept.close()
    for record in records.admissions + records.denials {
      #expect(record.source == source)
      #expect(record.envoyRequestID == id)
    }
    #expect(records.admissions.count == 1 && records.denials.count == 1)
  }

  @Test func `a Check tells its source and Envoy's id`() throws {
    for (source, expected) in [
      (.socket("203.0.113.7", 48122), "203.0.113.7:48122"),
      (.socket("2001:db8::1", 1), "[2001:db8::1]:1"),
      (.socket("evil.example", 1), nil), (.pipe("/run/client.sock"), nil), (nil, nil),
    ] as [(EnvoyMessage.Source?, String?)] {
      let kept = try KeptGateway(keptPolicy(enforceAt: "ext_authz"))
      let answer = kept.gateway.check(
        Message.check(Message.headers(), body: chat, source: source, id: uuid))
      #expect(answer?.isAllowed == true)
      let admission = try #require(try kept.close().admissions.first)
      #expect(admission.source == expected)
      #expect(admission.envoyRequestID == uuid)
    }
  }

  // MARK: Answers of our own

  private static let asked: [(path: String, route: String)] = [
    ("/v1/models", "/v1/models"), ("/v1/models/llama", "/v1/models/{id}"),
  ]

  private static func headers(_ path: String) -> EnvoyMessage.Headers {
    Message.headers([(":path", path), (":method", "GET")], without: ["content-type"])
  }

  private func expectAnswered(_ records: [LedgerRecord], _ route: String) throws {
    let admission = try #require(records.admissions.first)
    #expect(records.admissions.count == 1)
    #expect(admission.route == route && admission.method == "GET")
    #expect(admission.model == nil && admission.modelRoute == nil)
    // It counts as a request, and takes no slot.
    #expect(admission.reserved.map(\.counter) == ["tenant/tenant-a/rpd"])
    #expect(admission.reserved.map(\.amount) == [1])
    let completion = try #require(records.completions.first)
    #expect(records.completions.count == 1)
    #expect(completion.requestID == admission.requestID)
    #expect(completion.route == route)
    #expect(completion.usageSource == .none)
    #expect(completion.origin == .gateway)
    #expect(completion.httpStatus == 200)
    #expect(completion.endReason == .complete)
    #expect(completion.costNanodollars == 0)
    #expect(completion.promptTokens == nil && completion.totalTokens == nil)
    #expect(completion.charged == admission.reserved)
    #expect(records.denials.isEmpty)
  }

  @Test(arguments: asked)
  func `a question for models is answered when it is on record`(path: String, route: String)
    throws
  {
    let kept = try KeptGateway(keptPolicy(requests: 1))
    kept.gateway.hears = false
    kept.files.shut()
    let stream = kept.process()
    let question = Message.requestHeaders(Self.headers(path), endOfStream: true)
    #expect(stream.send(question).isEmpty)
    stream.halfClose()
    #expect(stream.grpcStatus == nil)
    kept.files.open()
    kept.gateway.hears = true
    #expect(stream.receive().map(\.immediateStatus) == [200])
    #expect(stream.grpcStatus == 0)
    try expectAnswered(try kept.close(), route)
  }

  @Test(arguments: asked)
  func `relaxed books answer at once`(path: String, route: String) throws {
    let kept = try KeptGateway(keptPolicy(), durability: .relaxed)
    let stream = kept.process()
    let question = Message.requestHeaders(Self.headers(path), endOfStream: true)
    #expect(stream.send(question).map(\.immediateStatus) == [200])
    #expect(kept.books.state.open.isEmpty)
    stream.reset()
    try expectAnswered(try kept.close(), route)
  }

  @Test(arguments: asked)
  func `an enforcing ext_authz records its answers likewise`(path: String, route: String) throws {
    let kept = try KeptGateway(keptPolicy(enforceAt: "ext_authz"))
    let answer = try #require(kept.gateway.check(Message.check(Self.headers(path))))
    #expect(answer.deniedStatus == 200)
    try expectAnswered(try kept.close(), route)
  }

  @Test func `where both filters run only the one that answers records it`() throws {
    let kept = try KeptGateway(keptPolicy())
    let first = try #require(kept.gateway.check(Message.check(Self.headers("/v1/models"))))
    #expect(first.isAllowed)
    let stream = kept.process()
    stream.send(Message.requestHeaders(Self.headers("/v1/models"), endOfStream: true))
    stream.reset()
    try expectAnswered(try kept.close(), "/v1/models")
  }

  @Test func `without a ledger no question for models is answered`() throws {
    for enforceAt in ["ext_proc", "ext_authz"] {
      let kept = try KeptGateway(keptPolicy(enforceAt: enforceAt))
      kept.gateway.hears = false
      kept.files.fail(EIO)
      // The first finds out, the second is told at once.
      for isFirst in [true, false] {
        if !isFirst { kept.news.waitUntilUnavailable() }
        kept.gateway.hears = true
        if enforceAt == "ext_proc" {
          let stream = kept.process()
          stream.send(Message.requestHeaders(Self.headers("/v1/models"), endOfStream: true))
          stream.halfClose()
          #expect(stream.hasVerdict && stream.grpcStatus == 0)
        } else {
          let answer = kept.gateway.check(Message.check(Self.headers("/v1/models")))
          #expect(answer?.deniedStatus == 503)
          #expect(answer?.code == "ledger_unavailable")
        }
      }
      #expect(kept.books.state.open.isEmpty)
      kept.files.fail(nil)
      kept.waitUntilWritable()
      let records = try kept.close()
      #expect(records.admissions.isEmpty && records.completions.isEmpty)
      #expect(records.denials.map(\.reason) == ["ledger_unavailable", "ledger_unavailable"])
    }
  }

  @Test func `a client that leaves before the record was there was not answered`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.shut()
    let stream = kept.process()
    stream.send(Message.requestHeaders(Self.headers("/v1/models"), endOfStream: true))
    stream.reset()
    kept.files.open()
    let completion = try #require(try kept.close().completions.first)
    #expect(completion.endReason == .cut)
    #expect(completion.httpStatus == nil)
  }

  @Test func `a crash closes an open question for models, which costs nothing`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    let stream = kept.process()
    stream.send(Message.requestHeaders(Self.headers("/v1/models"), endOfStream: true))
    // On disk, and not heard of. The ledger's own two records may be told of before it.
    while case .durable(let seq) = kept.news.next(), seq < 3 {}
    let crashed = kept.files.crashed()
    kept.gateway.hears = true
    _ = try kept.close()
    let after = try KeptGateway(keptPolicy(), files: crashed)
    #expect(after.found.interrupted == 1)
    let completion = try #require(try after.close().completions.first)
    #expect(completion.endReason == .interrupted)
    #expect(completion.costNanodollars == 0)
  }

  // MARK: Costs

  private static let usage = SettlementCase.usage

  /// Each with a price and without: what is known of the cost.
  private func cost(
    path: String, priced: Bool, _ body: String, _ response: [[UInt8]]
  ) throws -> Int64? {
    let kept = try KeptGateway(keptPolicy(priced: priced))
    let stream = kept.process()
    stream.send(Message.requestHeaders(Message.headers([(":path", path)])))
    if path != "/files" { stream.send(Message.body(.requestBody, body)) }
    for message in response { stream.send(message) }
    stream.reset()
    return try #require(try kept.close().completions.first).costNanodollars
  }

  @Test func `the cost of what has no price is unknown, of what reached nobody nothing`() throws {
    let reported = [
      Message.responseHeaders([(":status", "200"), ("content-type", "application/json")]),
      Message.body(.responseBody, Self.usage),
    ]
    let failed = [Message.responseHeaders([(":status", "500")], endOfStream: true)]
    let unreached = [
      Message.responseHeaders(
        [(":status", "503")], attributes: ["response.code_details": "overflow"], flags: 0x80,
        endOfStream: true)
    ]
    let path = "/v1/chat/completions"
    #expect(try cost(path: path, priced: true, chat, reported) == SettlementCase.usageNanos)
    #expect(try cost(path: path, priced: true, chat, failed) == 0)
    #expect(try cost(path: path, priced: true, chat, unreached) == 0)
    // A price for each request.
    #expect(try cost(path: "/v1/moderations", priced: true, chat, reported) == 7_000)
    #expect(try cost(path: path, priced: false, chat, reported) == nil)
    #expect(try cost(path: path, priced: false, chat, failed) == nil)
    #expect(try cost(path: path, priced: false, chat, unreached) == 0)
    #expect(try cost(path: "/files", priced: true, chat, reported) == nil)
    #expect(try cost(path: "/files", priced: true, chat, unreached) == 0)
  }

  @Test func `ext_authz knows no cost without a price either`() throws {
    for (priced, path, isKnown) in [
      (true, "/v1/chat/completions", true), (false, "/v1/chat/completions", false),
      (true, "/files", false),
    ] {
      let kept = try KeptGateway(keptPolicy(enforceAt: "ext_authz", priced: priced))
      #expect(
        kept.gateway.check(Message.check(Message.headers([(":path", path)]), body: chat))?.isAllowed
          == true)
      let completion = try #require(try kept.close().completions.first)
      #expect((completion.costNanodollars ?? 0 > 0) == isKnown)
      #expect((completion.costNanodollars == nil) == !isKnown)
    }
  }
}
