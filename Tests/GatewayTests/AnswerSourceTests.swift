import Bytes
import EnvoyAPI
import Ledger
import Terms
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

/// Whose answer a response is, from the attributes that Envoy sends for it. The rows marked "seen" are
/// what Envoy 1.36 to 1.40 sent.
@Suite struct AnswerSourceTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var details: String?
    var flags: Double?
    var address: String?
    var attempts: Double?
    var source: AnswerSource

    init(
      _ name: String, details: String? = nil, flags: Double? = 0, address: String? = nil,
      attempts: Double? = nil, _ source: AnswerSource
    ) {
      testDescription = name
      self.details = details
      self.flags = flags
      self.address = address
      self.attempts = attempts
      self.source = source
    }
  }

  private static let host = "127.0.0.1:8000"
  private static let reset = "upstream_reset_before_response_started"
  private static let reached = AnswerSource.envoy(wasReached: true)
  private static let unreached = AnswerSource.envoy(wasReached: false)

  static let rows = [
    Row("a backend's, seen", details: "via_upstream", address: host, attempts: 1, .backend),
    Row("a backend's, whatever else is said", details: "via_upstream", flags: 0x20, .backend),
    Row(
      "nobody listens, seen", details: reset + "{remote_connection_failure}", flags: 0x20,
      address: host, attempts: 1, unreached),
    Row(
      "the backend hung up, seen", details: reset + "{connection_termination}", flags: 0x40,
      address: host, attempts: 1, reached),
    Row(
      "the backend spoke no HTTP, seen", details: reset + "{protocol_error}", flags: 0x80_0000,
      address: host, attempts: 1, reached),
    Row(
      "a timeout, seen", details: "response_timeout", flags: 0x4, address: host, attempts: 1,
      reached),
    Row("a direct response, seen", details: "direct_response", attempts: 0, unreached),
    Row("another processor's answer, seen", details: "", attempts: 0, unreached),
    Row("the same with details, seen", details: "dropped", attempts: 0, unreached),
    Row("RBAC, seen", details: "rbac_access_denied_matched_policy[x]", attempts: 0, unreached),
    Row("a fault, seen", details: "fault_filter_abort", flags: 0x400, attempts: 0, unreached),
    Row("an upgrade, seen", details: "upgrade_failed", attempts: 0, unreached),
    Row(
      "an upgrade that a backend refused, seen", details: "websocket_handshake_unsuccessful",
      address: host, attempts: 1, reached),
    Row(
      "an address that is empty, whatever the flags", details: "ext_proc_immediate_response",
      flags: 0x4, address: "", unreached),
    Row("an empty address, and no details at all", flags: 0x1000, address: "", unreached),
    Row("nothing was tried, and no details at all", attempts: 0, unreached),
    Row("details alone", details: "rate_limited", flags: nil, reached),
    Row("no address, and the flag of a rate limit", details: "x", flags: 0x800, unreached),
    Row("no address, and the flag of a timeout", details: "x", flags: 0x4, reached),
    Row("no address, and flags that are no bits", details: "x", flags: 1e300, reached),
    Row("no address, and negative flags", details: "x", flags: -1, reached),
    Row("nothing", flags: nil, .unknown), Row("flags alone", .unknown),
    Row("an address alone", address: host, .unknown),
  ]

  @Test(arguments: rows)
  func `whose answer it is goes by Envoy's attributes`(row: Row) throws {
    #expect(try head(row).source == row.source)
  }

  private func head(_ row: Row, _ headers: [(String, String)] = []) throws -> ResponseHead {
    var attributes: [String: String] = [:]
    attributes["response.code_details"] = row.details
    attributes["upstream.address"] = row.address
    let bytes = Message.responseHeaders(
      [(":status", "429")] + headers, attributes: attributes, flags: row.flags,
      attempts: row.attempts)
    let message = try ProcessingRequest(bytes.span)
    var head = ResponseHead()
    try head.readHeaders(in: bytes.span, message.headers)
    if let attributes = message.attributes {
      try head.readAttributes(in: bytes.span, attributes)
    }
    return head
  }

  private static let drop = Row("", details: "", attempts: 0, unreached)
  private static let longest = String(repeating: "r", count: 64)

  @Test(arguments: [
    ("rejected-saturated", DroppedReason.saturated), ("rejected-no-endpoints", .noEndpoints),
    ("rejected-ttl-expired", .expired), ("rejected-context-cancelled", .clientLeft),
    ("rejected-shutting-down", .shuttingDown), ("rejected-internal", .failed),
    ("other", .other), ("", .other), ("Rejected-Saturated", .other), ("sk-secret", .other),
    (longest, .other), (longest + "r", .other),
  ])
  func `the reason of a drop is one of the known words`(
    word: String, reason: DroppedReason
  ) throws {
    let head = try head(Self.drop, [("x-llm-d-request-dropped-reason", word)])
    #expect(head.droppedReason == reason)
    #expect(head.source == Self.unreached)
  }

  @Test(arguments: ["evicted", "evicted-queue-pressure", "evicted-priority"])
  func `what was evicted had reached a model server`(word: String) throws {
    let head = try head(Self.drop, [("x-llm-d-request-dropped-reason", word)])
    #expect(head.droppedReason?.rawValue == word)
    #expect(head.source == Self.reached)
  }

  @Test func `a backend's own header is no reason of a drop`() throws {
    let header = [("x-llm-d-request-dropped-reason", "rejected-saturated")]
    #expect(try head(Self.rows[0], header).droppedReason == nil)
    #expect(try head(Row("", flags: nil, .unknown), header).droppedReason == nil)
    #expect(try head(Self.drop).droppedReason == nil)
  }

  /// The drop of a request on its way through the filter, in both body modes, to the record.
  @Test(arguments: [
    ("rejected-ttl-expired", "", Int64(0), "rejected-ttl-expired"),
    ("rejected-no-endpoints", "ext_proc_immediate_response", 0, "rejected-no-endpoints"),
    ("a-word-of-tomorrow", "", 0, "other"), ("evicted-priority", "", 1, "evicted-priority"),
  ])
  func `a dropped request is given back, and the record says why`(
    word: String, details: String, requests: Int64, reason: String
  ) throws {
    for address in [String?.none, ""] {
      let kept = try KeptGateway(keptPolicy())
      let stream = kept.process()
      stream.send(Message.requestHeaders(Message.headers([(":path", "/v1/chat/completions")])))
      stream.send(
        Message.body(
          .requestBody, #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#))
      var attributes = ["response.code_details": details]
      attributes["upstream.address"] = address
      stream.send(
        Message.responseHeaders(
          [(":status", "429"), ("x-llm-d-request-dropped-reason", word)],
          attributes: attributes, flags: 0, attempts: 0, endOfStream: true))
      #expect(kept.count("tenant/tenant-a/rpd", "used") == requests)
      #expect((kept.count("tenant/tenant-a/tpd", "used") > 0) == (requests > 0))
      let record = try #require(try kept.close().completions.first)
      #expect(record.origin == .route && record.endReason == .failed)
      #expect(record.httpStatus == 429)
      #expect(record.droppedReason?.rawValue == reason)
    }
  }

  /// What the client got of an answer that was cut: known once some of its body or a second had passed.
  @Test(arguments: [
    (200, [String](), Int64(999), Int64?.none), (200, [], 1_000, 200), (200, ["{"], 0, 200),
    (200, [""], 0, nil), (500, [], 0, 500), (404, ["{"], 0, 404),
  ])
  func `a cut answer has a status where the client is known to have got it`(
    status: Int, pieces: [String], laterMs: Int64, recorded: Int64?
  ) throws {
    for mode in [BodyMode.streamed, .fullDuplexStreamed] {
      let kept = try KeptGateway(keptPolicy())
      let stream = kept.process()
      stream.send(
        Message.requestHeaders(
          Message.headers([(":path", "/v1/chat/completions")]), modes: (.buffered, mode)))
      stream.send(
        Message.body(
          .requestBody, #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#))
      stream.send(
        Message.responseHeaders(
          [(":status", String(status)), ("content-type", "application/json")],
          attributes: ["response.code_details": "via_upstream"]))
      for piece in pieces {
        stream.send(Message.body(.responseBody, piece, endOfStream: false))
      }
      kept.clock.advance(ms: laterMs)
      stream.reset()
      let record = try #require(try kept.close().completions.first)
      #expect(record.endReason == .cut && record.origin == nil)
      #expect(record.httpStatus == recorded)
    }
  }
}
