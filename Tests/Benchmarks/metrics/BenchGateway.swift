import Books
import Bytes
import EnvoyAPI
import Gateway
import Ledger
import Log
import Metrics
import Policy
import Terms
import Transport

/// A policy of many tenants, and a loop behind a connection without a socket.
enum Bench {
  static let models = 10

  static func policy(tenants: Int) -> PolicySnapshot {
    var text = "{ version: 1, auth: { api_key_headers: [\"authorization\"] }, "
    text += "classes: { interactive: { streaming: true } }, models: {"
    for model in 0..<models {
      text += """
        "model-\(model)": { class: "interactive", max_output_tokens: 100, stream_usage: "as_asked",
          price_usd_per_million: { prompt: 1, completion: 2 },
          routes: [{ name: "chat-model-\(model)-v1" }] },
        """
    }
    text += "}, tenants: {"
    for tenant in 0..<tenants {
      let key = SHA256.digest(of: Array("key-\(tenant)".utf8).span)
      text += """
        "tenant-\(tenant)": { hostnames: ["tenant-\(tenant).ai.example.com"],
          keys: [{ id: "main", sha256: "\(key.hex)", subject: "svc:main" }],
          allow: [{ paths: ["/v1/chat/completions"], models: ["*"] }],
          limits: [{ name: "rpm", requests: 100000000, per: "minute" },
            { name: "tpm", tokens: 1000000000, per: "minute" },
            { name: "monthly", usd: 1000000, per: "month" }] },
        """
    }
    text += "} }"
    let (policy, problems) = PolicyLoader.load(
      [PolicySource(name: "bench", bytes: Array(text.utf8))], nowSeconds: 1_800_000_000)
    guard let policy else { fatalError("\(problems.prefix(3))") }
    return policy
  }

  struct Silent: LogSink {
    func isKept(_ level: LogLevel) -> Bool { false }
    func log(
      _ level: LogLevel, _ event: LogEvent, _ message: String,
      _ fields: KeyValuePairs<LogKey, LogValue>
    ) {}
    func report(
      _ level: LogLevel, _ event: LogEvent, _ message: String,
      _ fields: KeyValuePairs<LogKey, LogValue>
    ) {}
  }
}

/// One loop with its client. Not Sendable: it stays on its thread.
final class BenchGateway {
  private var server: ServerConnection
  private var client = ClientConnection()
  private let loop: GatewayLoop
  private let messages: [[UInt8]]
  private static let process = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"

  init(_ policy: CompiledPolicy, _ books: Books, _ metrics: LoopMetrics?) {
    loop = GatewayLoop(policy: policy, books: books, metrics: metrics, log: Bench.Silent())
    server = Self.connection(loop)
    messages = Self.messages()
  }

  private static func connection(_ loop: GatewayLoop) -> ServerConnection {
    let limits = TransportLimits()
    return ServerConnection(
      router: loop, limits: limits, budget: BufferBudget(limit: limits.processBufferBytesMax),
      now: MonotonicTime(nanoseconds: 0))
  }

  /// A new connection: the small client remembers all its calls.
  func reconnect() {
    client = ClientConnection()
    server = Self.connection(loop)
  }

  /// One exchange of four messages, as Envoy sends them.
  func exchange() {
    let call = client.open(path: Self.process)
    for message in messages {
      call.send(message.span)
      move()
    }
    call.halfClose()
    move()
    precondition(call.reply.isOK, "the exchange failed: \(call.reply.grpcMessage)")
    precondition(call.reply.messages.count == messages.count, "a reply for each message")
  }

  private func move() {
    while client.wantsWrite || server.wantsWrite {
      var bytes: [UInt8] = []
      while client.fillOutput(&bytes, target: bytes.count + 65536) {}
      server.receive(bytes.span, now: MonotonicTime(nanoseconds: 0))
      bytes.removeAll(keepingCapacity: true)
      while server.fillOutput(&bytes, target: bytes.count + 65536) {}
      client.receive(bytes.span)
    }
  }

  // MARK: Envoy's messages

  private static func messages() -> [[UInt8]] {
    let body = #"{"model":"model-3","messages":[{"role":"user","content":"hello"}],"max_tokens":5}"#
    let answer =
      #"{"choices":[{"message":{"content":"hi"}}],"usage":{"#
      + #""prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#
    return [
      headers(
        .requestHeaders,
        [
          (":method", "POST"), (":path", "/v1/chat/completions"),
          (":authority", "tenant-7.ai.example.com"), ("content-type", "application/json"),
          ("authorization", "Bearer key-7"),
        ]),
      part(.requestBody, body),
      headers(.responseHeaders, [(":status", "200"), ("content-type", "application/json")]),
      part(.responseBody, answer),
    ]
  }

  private static func headers(_ phase: ProcessingPhase, _ pairs: [(String, String)]) -> [UInt8] {
    var writer = WireWriter()
    writer.reset()
    if phase == .requestHeaders {
      // BUFFERED bodies of requests, STREAMED ones of responses.
      writer.field(2, UInt64(BodyMode.streamed.rawValue))
      writer.field(1, UInt64(BodyMode.buffered.rawValue))
      writer.close(11, since: 0)
    }
    let mark = writer.mark
    for (name, value) in pairs.reversed() {
      let header = writer.mark
      writer.field(3, Array(value.utf8))
      writer.field(1, Array(name.utf8))
      writer.close(1, since: header)
    }
    writer.close(1, since: mark)
    writer.close(Int(phase.rawValue), since: mark)
    return writer.bytes
  }

  private static func part(_ phase: ProcessingPhase, _ text: String) -> [UInt8] {
    var writer = WireWriter()
    writer.reset()
    writer.field(2, 1)
    writer.field(1, Array(text.utf8))
    writer.close(Int(phase.rawValue), since: 0)
    return writer.bytes
  }
}
