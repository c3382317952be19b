import Terms
import Testing

@testable import Inference

/// What servers with shapes of their own send where one of OpenAI's is expected, and what proxies make
/// of numbers.
@Suite struct ForeignShapeTests {
  private static let choices =
    #""choices":[{"index":0,"message":{"content":"Hi there"},"finish_reason":"stop"}]"#

  static let shapes: [UsageShape] = [
    .init(
      name: "numbers in strings", format: .json,
      body:
        "{\(choices),\"usage\":{\"prompt_tokens\":\"12\",\"completion_tokens\":\"5\",\"total_tokens\":\"17\"}}",
      prompt: 12, completion: 5, total: 17),
    .init(
      name: "one number in a string, and a text that is none", format: .json,
      body:
        "{\(choices),\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":\"5.0\",\"total_tokens\":\"n/a\"}}",
      prompt: 12, completion: 5, total: 17),
    .init(
      name: "Gemini's names with underscores", format: .json,
      body: #"""
        {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usage_metadata":{"prompt_token_count":10,
        "candidates_token_count":5,"thoughts_token_count":20,"tool_use_prompt_token_count":7,
        "cached_content_token_count":4,"total_token_count":42}}
        """#, prompt: 17, completion: 25, total: 42, cached: 4, reasoning: 20),
    .init(
      name: "Bedrock's older names of the caches", format: .json,
      body: #"""
        {"output":{"message":{"content":[{"text":"Hi"}]}},"usage":{"inputTokens":30,"outputTokens":8,
        "totalTokens":38,"cacheReadInputTokenCount":1000,"cacheWriteInputTokenCount":50}}
        """#, prompt: 1080, completion: 8, total: 1088, cached: 1000, written: 50),
    .init(
      name: "cache writes in the details, in another spelling", format: .json,
      body:
        "{\(choices),\"usage\":{\"prompt_tokens\":90,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_creation_tokens\":50}}}",
      prompt: 90, completion: 5, total: 95, written: 50),
    .init(
      name: "Ollama, one answer", format: .json,
      body: #"{"message":{"content":"Hi"},"done":true,"prompt_eval_count":26,"eval_count":9}"#,
      prompt: 26, completion: 9, total: 35),
    .init(
      name: "Ollama, a stream of lines", format: .jsonLines,
      body: #"""
        {"message":{"role":"assistant","content":"Hi"},"done":false}
        {"message":{"role":"assistant","content":" there"},"done":false}
        {"message":{"content":""},"done":true,"prompt_eval_count":26,"eval_count":9}
        """#, prompt: 26, completion: 9, total: 35),
    .init(
      name: "llama.cpp", format: .eventStream,
      body: #"""
        data: {"content":"Hi","stop":false}

        data: {"content":"","stop":true,"tokens_predicted":2,"tokens_evaluated":12}


        """#, prompt: 12, completion: 2, total: 14),
    .init(
      name: "Cohere, a stream of lines", format: .other,
      body: #"""
        {"event_type":"text-generation","text":"Hi"}
        {"event_type":"stream-end","response":{"text":"Hi","meta":{"billed_units":{"input_tokens":5,"output_tokens":4}}}}
        """#, prompt: 5, completion: 4, total: 9),
  ]

  @Test(arguments: shapes)
  func `usage is read in the shapes of other servers`(shape: UsageShape) { shape.check() }

  /// Answers without usage, and how many bytes of text the model wrote in each.
  static let texts: [(String, ResponseFormat, Int)] = [
    (#"{"choices":[{"message":{"content":"Yes","thinking":"12345678"}}]}"#, .json, 11),
    (#"{"choices":[{"message":{"content":"Yes","reasoning_text":"12345678"}}]}"#, .json, 11),
    (#"{"choices":[{"message":{"content":{"type":"text","text":"12345678"}}}]}"#, .json, 8),
    ("{\"message\":{\"content\":\"1234\"}}\n{\"message\":{\"content\":\"5678\"}}\n", .json, 8),
    ("{\"message\":{\"thinking\":\"1234\"}}\n{\"message\":{\"content\":\"5\"}}\n", .jsonLines, 5),
    ("{\"response\":\"1234\"}\n{\"response\":\"5678\"}\n", .other, 8),
    ("{\"event_type\":\"text-generation\",\"text\":\"1234\"}\n{\"text\":\"5678\"}\n", .json, 8),
    (
      #"data: {"type":"content-delta","delta":{"message":{"content":{"text":"1234"}}}}"#,
      .eventStream, 4
    ),
    ("data: {\"content\":\"1234\"}\n\ndata: {\"content\":\"5678\"}\n\n", .eventStream, 8),
    (#"data: {"type":"response.output_text.done","text":"12345678"}"#, .eventStream, 8),
    (
      #"data: {"type":"response.completed","response":{"output":[{"content":[{"text":"1234"}]}]}}"#,
      .eventStream, 4
    ),
    // What is said again counts once.
    (
      "data: {\"type\":\"response.output_text.delta\",\"delta\":\"12345678\"}\n\n"
        + "data: {\"type\":\"response.output_text.done\",\"text\":\"12345678\"}\n\n"
        + "data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":"
        + "\"12345678\"}]}],\"usage\":null}}\n\n", .eventStream, 8
    ),
    (
      "data: {\"type\":\"transcript.text.delta\",\"delta\":\"1234\"}\n\n"
        + "data: {\"type\":\"transcript.text.done\",\"text\":\"1234\"}\n\n", .eventStream, 4
    ),
  ]

  @Test(arguments: texts)
  func `text is counted in the shapes of other servers`(
    text: String, format: ResponseFormat, count: Int
  ) {
    let body = Array(text.utf8)
    let usage = meter(body, format).usage
    #expect(usage.source == .estimated)
    #expect(usage.outputBytesAfterUsage == count)
    #expect(differingCut(of: body) { meter(body, format, cuts: $0) } == nil)
  }

  @Test func `a last piece with counts of its own is not taken from the client`() {
    let body = events(#"{"content":"","stop":true,"tokens_predicted":2,"tokens_evaluated":12}"#)
    let metered = meter(body, .eventStream, removes: true)
    #expect(metered.client == body)
    #expect(metered.usage.total == 14)
  }
}
