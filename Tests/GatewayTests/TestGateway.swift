import Books
import Bytes
import EnvoyAPI
import Log
import Metrics
import Policy
import Synchronization
import Terms
import Testing
import Transport

@testable import Gateway

/// 2026-11-01T00:00:00Z
let testNowSeconds: Int64 = 1_793_491_200

/// A key's text is `key-` and its id.
func keyDigest(_ key: String) -> String {
  SHA256.digest(of: Array(key.utf8).span).hex
}

/// The policy of these tests; `extra` stands at the top level.
func testPolicy(_ extra: String = "", auth: String = "") -> String {
  """
  {
    version: 1,
    shared_hostnames: ["api.example.com"],
    max_body_bytes: 65536,
    auth: {
      api_key_headers: ["authorization", "x-api-key"],
      client_certificates: true,
      \(auth)
    },
    classes: { interactive: { streaming: true }, batch_inference: {} },
    models: {
      "llama": { aliases: ["l3"], class: "interactive", sticky: "subject", max_output_tokens: 4096,
        stream_usage: "as_asked",
        routes: [{ name: "chat-v1", weight: 1 }, { name: "chat-v2", weight: 0 }] },
      "plain": { class: "interactive", routes: [{ name: "plain-v1" }], stream_usage: "as_asked" },
      "bge": { class: "batch_inference", routes: [{ name: "embed-v1" }] },
    },
    tenants: {
      "tenant-a": {
        hostnames: ["a.example.com"],
        keys: [
          { id: "one", sha256: "\(keyDigest("key-one"))", subject: "svc:one" },
          { id: "two", sha256: "\(keyDigest("key-two"))", subject: "svc:two" },
          { id: "old", sha256: "\(keyDigest("key-old"))", expires: "2026-10-01T00:00:00Z" },
          { id: "off", sha256: "\(keyDigest("key-off"))", disabled: true },
        ],
        principals: [{ uri: "spiffe://cluster.local/ns/a/sa/*" }],
        allow: [
          { paths: ["/v1/chat/completions", "/v1/messages"], models: ["llama", "plain"] },
          { paths: ["/files"], route: "files-v1" },
        ],
      },
      "tenant-b": {
        hostnames: ["b.example.com"],
        keys: [{ id: "three", sha256: "\(keyDigest("key-three"))" }],
        allow: [{ paths: ["/v1/embeddings"], models: ["*"] }],
      },
    },
    \(extra)
  }
  """
}

/// Notes what the gateway reports.
final class TestLog: LogSink {
  private let lines = Mutex<[String]>([])

  func isKept(_ level: LogLevel) -> Bool { true }

  func log(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>
  ) {}

  func report(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>
  ) {
    lines.withLock { $0.append(message) }
  }

  var messages: [String] { lines.withLock { $0 } }
}

/// The gateway behind a connection without a socket, with a client before it.
final class TestGateway {
  let log = TestLog()
  let loop: GatewayLoop
  private let server: ServerConnection
  private let client = ClientConnection()
  /// The most bytes that the server is given at once.
  var step = Int.max

  /// What became of records is heard, where there are books.
  private let news: NewsBox?
  /// Hears of records by itself, as soon as somebody waits for one.
  var hears = true

  static func load(_ policy: String) throws -> PolicySnapshot {
    let (snapshot, problems) = PolicyLoader.load(
      [PolicySource(name: "p", bytes: Array(policy.utf8))], nowSeconds: testNowSeconds)
    return try #require(snapshot, "\(problems)")
  }

  convenience init(
    _ policy: String = testPolicy(), limits: TransportLimits = TransportLimits()
  ) throws {
    self.init(try Self.load(policy), limits: limits)
  }

  init(
    _ policy: PolicySnapshot, limits: TransportLimits = TransportLimits(), books: Books? = nil,
    policyLimits: PolicyLimits? = nil, metrics: LoopMetrics? = nil, news: NewsBox? = nil,
    responseIDs: ResponseIDs? = nil, seed: UInt64 = 1,
    clock: TestClock = TestClock()
  ) {
    self.news = news
    loop = GatewayLoop(
      policy: policy, limits: policyLimits, books: books, metrics: metrics,
      responseIDs: responseIDs, log: log, random: Xoshiro256(words: (seed, 2, 3, 4)),
      clock: { UnixTime(milliseconds: clock.nowMs) })
    server = ServerConnection(
      router: loop, limits: limits, budget: BufferBudget(limit: limits.processBufferBytesMax),
      now: MonotonicTime(nanoseconds: 0))
  }

  func process() -> TestStream {
    TestStream(
      client.open(path: "/envoy.service.ext_proc.v3.ExternalProcessor/Process"), self)
  }

  /// Moves bytes both ways until nothing is left, and nobody waits for a record.
  func pump() {
    move()
    while hears, let news, loop.waitingCount > 0 {
      loop.recordsEnded(news.next())
      move()
    }
  }

  private func move() {
    while client.wantsWrite || server.wantsWrite {
      var toServer: [UInt8] = []
      while client.fillOutput(&toServer, target: toServer.count + 65536) {}
      var start = 0
      while start < toServer.count {
        let end = min(toServer.count, start + min(step, toServer.count))
        server.receive(toServer.span.extracting(start..<end), now: MonotonicTime(nanoseconds: 0))
        start = end
      }
      var toClient: [UInt8] = []
      while server.fillOutput(&toClient, target: toClient.count + 65536) {}
      client.receive(toClient.span)
    }
  }

  func check(_ message: [UInt8]) -> CheckAnswer? {
    let call = client.unary(
      path: "/envoy.service.auth.v3.Authorization/Check", message: message)
    pump()
    guard call.reply.grpcStatus == 0 else { return nil }
    return call.reply.messages.first.map(CheckAnswer.init)
  }

  /// The gRPC status of a call with one message.
  func status(of path: String, message: [UInt8] = []) -> Int? {
    let call = client.unary(path: path, message: message)
    pump()
    return call.reply.grpcStatus
  }

  /// A Check whose client does not wait for the answer.
  func leave(_ message: [UInt8]) {
    let call = client.open(path: "/envoy.service.auth.v3.Authorization/Check")
    call.send(message.span)
    pump()
    call.reset()
    pump()
  }
}

/// One ext_proc stream, as Envoy would drive it.
final class TestStream {
  private let call: ClientCall
  private let gateway: TestGateway
  private var seen = 0

  init(_ call: ClientCall, _ gateway: TestGateway) {
    self.call = call
    self.gateway = gateway
  }

  /// Sends a message and returns the replies it led to.
  @discardableResult
  func send(_ message: [UInt8]) -> [ProcAnswer] {
    call.send(message.span)
    return receive()
  }

  /// The replies that have come since.
  @discardableResult
  func receive() -> [ProcAnswer] {
    gateway.pump()
    let answers = call.reply.messages[seen...].map(ProcAnswer.init)
    seen = call.reply.messages.count
    return answers
  }

  func halfClose() {
    call.halfClose()
    gateway.pump()
  }

  func reset() {
    call.reset()
    gateway.pump()
  }

  var grpcStatus: Int? { call.reply.grpcStatus }

  /// Whether a reply let the request go on, or refused it.
  var hasVerdict: Bool {
    call.reply.messages.lazy.map(ProcAnswer.init)
      .contains { $0.kind == 7 || $0.set["x-ai-tenant"] != nil }
  }
}
