import Books
import Bytes
import EnvoyAPI
import Inference
import Ledger
import Policy
import Testing

@testable import Gateway

/// Requests of `/v1/responses` that continue an answer, and whose answer it was.
@Suite(.timeLimit(.minutes(2))) struct ContinuationTests {
  private typealias Message = EnvoyMessage

  private static func policy(_ rule: String?, enforceAt: String = "ext_proc") -> String {
    """
    {
      version: 1,
      enforce_at: "\(enforceAt)",
      \(rule.map { "response_ids: \"\($0)\"," } ?? "")
      shared_hostnames: ["api.example.com"],
      auth: { api_key_headers: ["authorization"] },
      classes: { interactive: {} },
      models: {
        "m1": { class: "interactive", max_output_tokens: 100, stream_usage: "as_asked",
          routes: [{ name: "one", weight: 1 }, { name: "two", weight: 1 }, { name: "three", weight: 2 }] },
      },
      tenants: {
        "tenant-a": { keys: [{ id: "one", sha256: "\(keyDigest("key-one"))" }],
          allow: [{ paths: ["/v1/responses", "/v1/chat/completions"], models: ["m1"] }] },
        "tenant-b": { keys: [{ id: "two", sha256: "\(keyDigest("key-two"))" }],
          allow: [{ paths: ["/v1/responses", "/v1/chat/completions"], models: ["m1"] }] },
      },
    }
    """
  }

  private static func ask(
    _ kept: KeptGateway, key: String, _ more: String, path: String = "/v1/responses"
  ) -> (stream: TestStream, answer: ProcAnswer?) {
    let stream = kept.process()
    stream.send(
      Message.requestHeaders(
        Message.headers([
          (":path", path), (":authority", "api.example.com"), ("authorization", "Bearer " + key),
        ])))
    let body = #"{"model":"m1","input":"What is the project called?"\#(more)}"#
    return (stream, stream.send(Message.body(.requestBody, body)).last)
  }

  /// An answer to tenant A with all kinds of ids; returned: the route that gave it.
  private static func giveAnswer(_ kept: KeptGateway, stream isStream: Bool) throws -> String {
    let (stream, answer) = ask(kept, key: "key-one", isStream ? #","stream":true"# : "")
    let route = try #require(answer?.set["x-ai-model-route"])
    stream.send(
      Message.responseHeaders([
        (":status", "200"), ("content-type", isStream ? "text/event-stream" : "application/json"),
      ]))
    let usage = #""usage":{"input_tokens":1400,"output_tokens":100,"total_tokens":1500}"#
    let ids =
      #""id":"resp_1","conversation":{"id":"conv_1"},"output":[{"type":"message","id":"msg_1"}]"#
    if isStream {
      stream.send(
        Message.body(
          .responseBody,
          "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\n",
          endOfStream: false))
      stream.send(
        Message.body(
          .responseBody,
          "data: {\"type\":\"response.completed\",\"response\":{\(ids),\(usage)}}\n\n"))
    } else {
      stream.send(Message.body(.responseBody, "{\(ids),\(usage)}"))
    }
    stream.halfClose()
    return route
  }

  static let continuing: [(more: String, parameter: String)] = [
    (#","previous_response_id":"ID""#, "previous_response_id"),
    (#","conversation":"ID""#, "conversation"),
    (#","conversation":{"id":"ID"}"#, "conversation"),
    (#","input":[{"type":"item_reference","id":"ID"}]"#, "input"),
  ]

  /// The body of a request, of which `input` may be another.
  private static func more(_ text: String, _ id: String) -> String {
    text.replacing("ID", with: id)
  }

  @Test(arguments: ["strict", nil, "known", "any"], [false, true])
  func `who may continue what`(rule: String?, isStream: Bool) throws {
    let kept = try KeptGateway(Self.policy(rule), responseIDs: ResponseIDs())
    _ = try Self.giveAnswer(kept, stream: isStream)
    for (text, parameter) in Self.continuing {
      for id in ["resp_1", "conv_1", "msg_1", "unknown"] {
        for key in ["key-one", "key-two"] {
          let isInput = parameter == "input"
          let (stream, answer) =
            isInput
            ? Self.askItem(kept, key: key, Self.more(text, id))
            : Self.ask(kept, key: key, Self.more(text, id))
          let isOwn = id != "unknown" && key == "key-one"
          let passes =
            isOwn || rule == "any" || rule == "known" && id == "unknown"
          #expect((answer?.immediateStatus == nil) == passes, "\(key) \(text) \(id)")
          if !passes {
            #expect(answer?.immediateStatus == 400)
            let body = answer?.immediateBody ?? ""
            #expect(body.contains(#""code":"previous_response_not_found""#))
            #expect(body.contains("\"param\":\"\(parameter)\""))
            #expect(!body.contains(id))
          }
          stream.reset()
        }
      }
    }
    _ = try kept.close()
  }

  private static func askItem(
    _ kept: KeptGateway, key: String, _ more: String
  ) -> (stream: TestStream, answer: ProcAnswer?) {
    let stream = kept.process()
    stream.send(
      Message.requestHeaders(
        Message.headers([
          (":path", "/v1/responses"), (":authority", "api.example.com"),
          ("authorization", "Bearer " + key),
        ])))
    return (stream, stream.send(Message.body(.requestBody, #"{"model":"m1"\#(more)}"#)).last)
  }

  @Test func `the id is known before the stream is over`() throws {
    let kept = try KeptGateway(Self.policy(nil), responseIDs: ResponseIDs())
    let (first, _) = Self.ask(kept, key: "key-one", #","stream":true"#)
    first.send(
      Message.responseHeaders([(":status", "200"), ("content-type", "text/event-stream")]))
    first.send(
      Message.body(
        .responseBody, "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\n",
        endOfStream: false))
    let (second, answer) = Self.ask(kept, key: "key-one", #","previous_response_id":"resp_1""#)
    #expect(answer?.immediateStatus == nil)
    first.reset()
    second.reset()
    _ = try kept.close()
  }

  @Test(arguments: [false, true])
  func `what is continued is reserved, and goes to the route that gave it`(isStream: Bool) throws {
    let kept = try KeptGateway(Self.policy(nil), responseIDs: ResponseIDs())
    let route = try Self.giveAnswer(kept, stream: isStream)
    for id in [#""previous_response_id":"resp_1""#, #""conversation":"conv_1""#] {
      for _ in 0..<10 {
        let (stream, answer) = Self.ask(kept, key: "key-one", "," + id)
        #expect(answer?.set["x-ai-model-route"] == route)
        stream.reset()
      }
    }
    let admissions = try kept.close().admissions
    #expect((admissions.last?.estimatedPromptTokens ?? 0) >= 1500)
    #expect((admissions.first?.estimatedPromptTokens ?? 0) < 100)
  }

  @Test func `a route that the model has no more is not preferred`() throws {
    let ids = ResponseIDs()
    ids.remember(
      [ResponseID(Array("resp_1".utf8).span)], tenant: "tenant-a", route: "gone", tokens: 5)
    let kept = try KeptGateway(Self.policy(nil), responseIDs: ids)
    let (stream, answer) = Self.ask(kept, key: "key-one", #","previous_response_id":"resp_1""#)
    #expect(["one", "two", "three"].contains(answer?.set["x-ai-model-route"] ?? ""))
    stream.reset()
    _ = try kept.close()
  }

  @Test func `other endpoints have members of those names that mean nothing`() throws {
    let kept = try KeptGateway(Self.policy(nil), responseIDs: ResponseIDs())
    let (stream, answer) = Self.ask(
      kept, key: "key-two", #","messages":[],"conversation":"conv_1""#,
      path: "/v1/chat/completions")
    #expect(answer?.immediateStatus == nil)
    stream.reset()
    // And their answers' ids are not kept.
    let (chat, _) = Self.ask(kept, key: "key-one", #","messages":[]"#, path: "/v1/chat/completions")
    chat.send(Message.responseHeaders([(":status", "200"), ("content-type", "application/json")]))
    chat.send(Message.body(.responseBody, #"{"id":"chatcmpl-1"}"#))
    chat.halfClose()
    #expect(kept.gateway.loop.responseIDs?.count == 0)
    _ = try kept.close()
  }

  @Test func `where ext_authz decides, every id passes`() throws {
    let policy = try TestGateway.load(Self.policy("strict", enforceAt: "ext_authz"))
    #expect(policy.responseIDs == .any)
  }
}
