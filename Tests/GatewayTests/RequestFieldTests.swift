import EnvoyAPI
import Ledger
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

/// What the fields of a request do to its reservation and to its body.
@Suite(.timeLimit(.minutes(2))) struct RequestFieldTests {
  private static let endpoints =
    #""/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/images/generations""#

  /// The kept policy, with more endpoints and with more said of the model.
  private func policy(_ model: String = "", tokens: Int = 10_000_000) -> String {
    keptPolicy(tokens: tokens)
      .replacing("\"/v1/chat/completions\", \"/v1/messages\"", with: Self.endpoints)
      .replacing("max_output_tokens: 100,", with: "max_output_tokens: 100, \(model)")
  }

  private func ask(
    _ kept: KeptGateway, _ body: String, path: String = "/v1/chat/completions",
    mode: BodyMode = .buffered
  ) -> ProcAnswer? {
    let stream = kept.process()
    stream.send(
      Message.requestHeaders(Message.headers([(":path", path)]), modes: (mode, .streamed)))
    defer { stream.halfClose() }
    return stream.send(Message.body(.requestBody, body)).first
  }

  /// The output tokens that are reserved for a request.
  private func reserved(
    _ body: String, path: String = "/v1/chat/completions", _ model: String = ""
  ) throws -> Int64? {
    let kept = try KeptGateway(policy(model))
    #expect(ask(kept, body, path: path)?.set["x-ai-tenant"] == "tenant-a", "\(body)")
    return try kept.close().admissions.first?.reservedCompletionTokens
  }

  @Test(arguments: [
    // Only the dialect's own fields state a bound.
    ("/v1/chat/completions", #""max_tokens":7"#, 7),
    ("/v1/chat/completions", #""max_tokens":7,"max_completion_tokens":9"#, 9),
    ("/v1/chat/completions", #""max_output_tokens":1"#, 100),
    ("/v1/completions", #""max_tokens":7,"max_completion_tokens":9"#, 9),
    ("/v1/completions", #""max_completion_tokens":9"#, 100),
    ("/v1/messages", #""max_tokens":7"#, 7),
    ("/v1/responses", #""max_output_tokens":7"#, 7),
    ("/v1/responses", #""max_tokens":7"#, 100),
    // The others raise, also above the model's maximum, and 0 and -1 say nothing.
    ("/v1/chat/completions", #""max_tokens":7,"n_predict":500"#, 500),
    ("/v1/chat/completions", #""max_tokens":7,"min_tokens":8,"max_length":0"#, 8),
    ("/v1/chat/completions", #""max_tokens":7,"n_predict":-1"#, 7),
    ("/v1/chat/completions", #""max_tokens":7,"max_new_tokens":"30""#, 100),
    ("/v1/chat/completions", #""max_tokens":7,"extra_body":{"max_tokens":50,"n":3}"#, 150),
    // Each choice of each prompt has its own bound.
    ("/v1/chat/completions", #""max_tokens":7,"n":3"#, 21),
    ("/v1/completions", #""max_tokens":7,"prompt":["a","b","c"]"#, 21),
    ("/v1/completions", #""max_tokens":7,"n":2,"best_of":4,"prompt":["a","b"]"#, 56),
    ("/v1/completions", #""max_tokens":7,"prompt":[1,2,3]"#, 7),
    ("/v1/completions", #""max_tokens":7,"prompt":[[1,2],[3]]"#, 14),
    ("/v1/completions", #""prompt":["a","b"]"#, 200),
    ("/v1/images/generations", #""prompt":"a","n":100,"background":"auto""#, 10_000),
  ])
  func `what is reserved follows the fields`(path: String, fields: String, tokens: Int64) throws {
    #expect(try reserved("{\"model\":\"llama\",\(fields)}", path: path) == tokens)
  }

  @Test func `a model's own fields state its bound`() throws {
    let body = #"{"model":"llama","max_tokens":7,"max_new_tokens":9}"#
    #expect(try reserved(body, #"bound_fields: ["max_new_tokens"],"#) == 9)
    let raised = #"{"model":"llama","max_tokens":50,"max_new_tokens":9}"#
    #expect(try reserved(raised, #"bound_fields: ["max_new_tokens"],"#) == 50)
  }

  @Test func `text that looks like a picture is reserved by its bytes`() throws {
    let words = String(repeating: "word/", count: 20_000)
    for text in [words, "data:image/png;base64," + words] {
      let kept = try KeptGateway(policy())
      let body = #"{"model":"llama","messages":[{"role":"user","content":"\#(text)"}]}"#
      _ = ask(kept, body)
      let admission = try kept.close().admissions.first
      #expect((25_000...25_020).contains(admission?.estimatedPromptTokens ?? 0))
    }
  }

  @Test func `prompts that together never fit are refused for good`() throws {
    let kept = try KeptGateway(policy(tokens: 10_000))
    let prompts = (0..<64).map { "\"Write about river \($0).\"" }.joined(separator: ",")
    let body = #"{"model":"llama","max_tokens":90,"n":2,"prompt":[\#(prompts)]}"#
    let answer = ask(kept, body, path: "/v1/completions")
    #expect(answer?.immediateStatus == 429)
    #expect(answer?.immediateHeaders["x-should-retry"] == "false")
    _ = try kept.close()
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed])
  func `a bound is written where the client stated none`(mode: BodyMode) throws {
    let kept = try KeptGateway(policy(#"bound: "inject","#))
    for (path, body, written) in [
      ("/v1/chat/completions", #"{"model":"llama"}"#, #"{"max_tokens":100,"model":"llama"}"#),
      (
        "/v1/chat/completions", #"{"max_tokens": null, "model":"llama"}"#,
        #"{"max_tokens": 100, "model":"llama"}"#
      ),
      ("/v1/responses", #"{"model":"llama"}"#, #"{"max_output_tokens":100,"model":"llama"}"#),
      ("/v1/chat/completions", #"{"model":"llama","max_completion_tokens":5}"#, nil),
      ("/v1/images/generations", #"{"model":"llama"}"#, nil),
    ] as [(String, String, String?)] {
      #expect(sent(kept, body, path, mode) == (mode == .buffered ? written : written ?? body))
    }
    _ = try kept.close()
  }

  @Test func `the bound that is written is the one that is reserved`() throws {
    // A limit that could never admit 100 tokens beside the prompt cuts the bound, for each of two answers.
    let kept = try KeptGateway(policy(#"bound: "inject","#, tokens: 70))
    let body = try #require(
      sent(kept, #"{"model":"llama","n":2}"#, "/v1/chat/completions", .buffered))
    let admission = try #require(try kept.close().admissions.first)
    let reserved = try #require(admission.reservedCompletionTokens)
    let prompt = try #require(admission.estimatedPromptTokens)
    #expect(reserved + prompt == 70)
    #expect(body == #"{"max_tokens":\#(reserved / 2),"model":"llama","n":2}"#)
  }

  /// The body that goes on; nil where it stays as it was.
  private func sent(
    _ kept: KeptGateway, _ body: String, _ path: String, _ mode: BodyMode
  ) -> String? {
    let stream = kept.process()
    stream.send(
      Message.requestHeaders(Message.headers([(":path", path)]), modes: (mode, .streamed)))
    defer { stream.halfClose() }
    let answers = stream.send(Message.body(.requestBody, body))
    return mode == .buffered ? answers.first?.body : answers.compactMap(\.streamed).joined()
  }

  @Test(
    arguments: [
      (#"{"model":"llama","max_tokens":64000}"#, #"{"model":"llama","max_tokens":100}"#),
      (
        #"{"max_completion_tokens":1e9,"model":"llama","max_tokens":101}"#,
        #"{"max_completion_tokens":100,"model":"llama","max_tokens":100}"#
      ),
      (#"{"model":"llama","max_tokens":100}"#, nil),
      (#"{"model":"llama"}"#, nil),
    ] as [(String, String?)])
  func `a bound above the model's is lowered`(body: String, written: String?) throws {
    let kept = try KeptGateway(policy(#"bound_above: "clamp","#))
    #expect(sent(kept, body, "/v1/chat/completions", .buffered) == written)
    #expect(try kept.close().admissions.first?.reservedCompletionTokens == 100)
  }

  @Test func `a bound above the model's is refused otherwise, by its field`() throws {
    let kept = try KeptGateway(policy())
    let answer = ask(kept, #"{"model":"llama","max_tokens":5,"max_completion_tokens":101}"#)
    #expect(answer?.code == "invalid_value")
    #expect(answer?.immediateBody.contains(#""param":"max_completion_tokens""#) == true)
    _ = try kept.close()
  }

  @Test func `bound, name and usage are written into one body`() throws {
    let text = policy(#"bound: "inject", aliases: ["l3"],"#)
      .replacing("\"as_asked\"", with: "\"inject\"")
    let kept = try KeptGateway(text)
    #expect(
      sent(kept, #"{"model":"l3","stream":true}"#, "/v1/chat/completions", .buffered)
        == #"{"max_tokens":100,"stream_options":{"include_usage":true},"model":"llama","stream":true}"#
    )
    _ = try kept.close()
  }

  @Test func `allowed fields pass, and name only models of the caller`() throws {
    let allowed = #"allow_fields: ["models", "lora_path", "background"],"#
    let kept = try KeptGateway(policy(allowed))
    for (fields, code, parameter) in [
      (#""models":["llama"],"lora_path":"x""#, nil, nil),
      (#""extra_body":{"models":"llama"}"#, nil, nil),
      (#""models":["llama","secret"]"#, "model_not_found", "models"),
      (#""extra_body":{"models":"secret"}"#, "model_not_found", "extra_body.models"),
      (#""models":[{"model":"llama"}]"#, "invalid_value", "models"),
      (#""Models":["llama"]"#, "unsupported_parameter", "models"),
      (
        #""extra_body":{"parameters":{"route":1}}"#, "unsupported_parameter",
        "extra_body.parameters.route"
      ),
      (#""fallbacks":["llama"]"#, "unsupported_parameter", "fallbacks"),
      (#""background":true"#, nil, nil),
      (#""background":false,"fallbacks":null"#, nil, nil),
    ] as [(String, String?, String?)] {
      let answer = ask(kept, "{\"model\":\"llama\",\(fields)}")
      #expect(answer?.code == code, "\(fields)")
      if let parameter {
        #expect(answer?.immediateBody.contains("\"param\":\"\(parameter)\"") == true, "\(fields)")
      }
    }
    _ = try kept.close()
  }
}
