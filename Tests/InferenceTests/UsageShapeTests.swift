import Terms
import Testing

@testable import Inference

/// What providers send, and the usage that it is.
struct UsageShape: CustomTestStringConvertible, Sendable {
  var name: String
  var format: ResponseFormat
  var body: String
  var prompt: Int?
  var completion: Int?
  var total: Int?
  var cached: Int? = nil
  var written: Int? = nil
  var reasoning: Int? = nil
  var source = UsageSource.reported
  /// Written to be kept for an hour.
  var writtenHour: Int? = nil
  var tier: ServiceTier? = nil

  var testDescription: String { name }
}

extension UsageShape {
  /// Expects this usage of the body, whole and cut at every place.
  func check() {
    let body = Array(body.utf8)
    let metered = meter(body, format)
    let usage = metered.usage
    #expect(usage.prompt == prompt)
    #expect(usage.completion == completion)
    #expect(usage.total == total)
    #expect(usage.cachedPrompt == cached)
    #expect(usage.cacheWritePrompt == written)
    #expect(usage.cacheWrite1hPrompt == writtenHour)
    #expect(usage.reasoning == reasoning)
    #expect(usage.tier == tier)
    #expect(usage.source == source)
    #expect(metered.client == body)
    #expect(differingCut(of: body) { meter(body, format, cuts: $0) } == nil)
  }
}

@Suite struct UsageShapeTests {
  static let bodies: [UsageShape] = [
    .init(
      name: "chat with details", format: .json,
      body: #"""
        {"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi there"},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":5,
        "total_tokens":17,"prompt_tokens_details":{"cached_tokens":8,"audio_tokens":0},
        "completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":0}}}
        """#, prompt: 12, completion: 5, total: 17, cached: 8, reasoning: 3),
    .init(
      name: "embeddings", format: .json,
      body: #"{"data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":7,"total_tokens":7}}"#,
      prompt: 7, completion: 0, total: 7),
    .init(
      name: "embeddings without a total", format: .json,
      body: #"{"data":[],"usage":{"prompt_tokens":7}}"#, prompt: 7, completion: 0, total: 7),
    .init(
      name: "rerank with a total only", format: .json,
      body: #"{"results":[{"index":0,"relevance_score":0.5}],"usage":{"total_tokens":38}}"#,
      prompt: 38, completion: 0, total: 38),
    .init(
      name: "rerank without usage", format: .json, body: #"{"results":[{"index":0}]}"#,
      prompt: nil, completion: nil, total: nil, source: .estimated),
    .init(
      name: "Responses", format: .json,
      body: #"""
        {"object":"response","status":"completed","output":[{"type":"message","content":[{"type":
        "output_text","text":"Hi"}]}],"text":{"format":{"type":"text"}},"usage":{"input_tokens":22,
        "input_tokens_details":{"cached_tokens":4},"output_tokens":6,"output_tokens_details":
        {"reasoning_tokens":2},"total_tokens":28}}
        """#, prompt: 22, completion: 6, total: 28, cached: 4, reasoning: 2),
    .init(
      name: "Anthropic with caches", format: .json,
      body: #"""
        {"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{
        "input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,
        "cache_creation":{"ephemeral_5m_input_tokens":200},"output_tokens":7}}
        """#, prompt: 3210, completion: 7, total: 3217, cached: 3000, written: 200),
    .init(
      name: "both spellings: caches are in prompt_tokens", format: .json,
      body: #"""
        {"choices":[],"usage":{"prompt_tokens":100,"input_tokens":40,"cache_read_input_tokens":60,
        "completion_tokens":5,"output_tokens":5,"total_tokens":105}}
        """#, prompt: 100, completion: 5, total: 105, cached: 60),
    .init(
      name: "what a total has beside the prompt is completion", format: .json,
      body: #"{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":99}}"#,
      prompt: 10, completion: 89, total: 99),
    .init(
      name: "whole numbers with a fraction", format: .json,
      body: #"{"usage":{"prompt_tokens":10.0,"completion_tokens":5.00,"total_tokens":15}}"#,
      prompt: 10, completion: 5, total: 15),
  ]

  static let streams: [UsageShape] = [
    .init(
      name: "chat, usage last", format: .eventStream,
      body: #"""
        data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}

        data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}

        data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":0}}}

        data: [DONE]


        """#, prompt: 12, completion: 5, total: 17, cached: 1, reasoning: 0),
    .init(
      name: "chat, usage on a chunk with choices and no [DONE]", format: .eventStream,
      body: #"""
        data: {"choices":[{"delta":{"content":"Hi"}}]}

        data: {"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"choices":[{"delta":{},"finish_reason":"stop"}]}


        """#, prompt: 3, completion: 2, total: 5),
    .init(
      name: "continuous usage", format: .eventStream,
      body: #"""
        data: {"choices":[{"delta":{"content":""}}],"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3}}

        data: {"choices":[{"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}

        data: {"choices":[{"delta":{"content":"!"}}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

        data: [DONE]


        """#, prompt: 3, completion: 2, total: 5),
    .init(
      name: "Responses", format: .eventStream,
      body: #"""
        event: response.created
        data: {"type":"response.created","response":{"status":"in_progress","usage":null}}

        event: response.output_text.delta
        data: {"type":"response.output_text.delta","delta":"Hi"}

        event: response.output_text.done
        data: {"type":"response.output_text.done","text":"Hi"}

        event: response.completed
        data: {"response":{"status":"completed","error":null,"output":[{"usage":{"input_tokens":9}}],"usage":{"input_tokens":22,"input_tokens_details":{"cached_tokens":0},"output_tokens":6,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":28}},"type":"response.completed"}


        """#, prompt: 22, completion: 6, total: 28, cached: 0, reasoning: 0),
    .init(
      name: "Responses, incomplete", format: .eventStream,
      body: #"""
        data: {"type":"response.incomplete","response":{"status":"incomplete","usage":{"input_tokens":2,"output_tokens":16,"total_tokens":18}}}


        """#, prompt: 2, completion: 16, total: 18),
    .init(
      name: "Responses, failed", format: .eventStream,
      body: #"""
        data: {"type":"response.failed","response":{"status":"failed","error":{"code":"server_error"},"usage":{"input_tokens":2,"output_tokens":0,"total_tokens":2}}}


        """#, prompt: 2, completion: 0, total: 2),
    .init(
      name: "Anthropic", format: .eventStream,
      body: #"""
        event: message_start
        data: {"type":"message_start","message":{"content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":5,"cache_read_input_tokens":100,"output_tokens":1}}}

        event: ping
        data: {"type": "ping"}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":3}}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":11,"output_tokens":15}}

        event: message_stop
        data: {"type":"message_stop"}


        """#, prompt: 116, completion: 15, total: 131, cached: 100, written: 5),
    .init(
      name: "transcription", format: .eventStream,
      body: #"""
        data: {"type":"transcript.text.delta","delta":"Hi"}

        data: {"type":"transcript.text.done","text":"Hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":2,"total_tokens":16}}


        """#, prompt: 14, completion: 2, total: 16),
    .init(
      name: "no usage", format: .eventStream,
      body: #"""
        data: {"choices":[{"delta":{"content":"Hi"}}]}

        data: [DONE]


        """#, prompt: nil, completion: nil, total: nil, source: .estimated),
  ]

  @Test(arguments: bodies + streams)
  func `a provider's usage is read, however its body is cut`(shape: UsageShape) {
    shape.check()
  }

  @Test(arguments: streams, ["\r\n", "\r"])
  func `a stream's line ends do not matter`(shape: UsageShape, lineEnd: String) {
    let body = Array(shape.body.replacing("\n", with: lineEnd).utf8)
    let metered = meter(body, .eventStream)
    #expect(metered.usage == meter(Array(shape.body.utf8), .eventStream).usage)
    #expect(metered.client == body)
    #expect(differingCut(of: body) { meter(body, .eventStream, cuts: $0) } == nil)
  }

  /// Bodies with something that looks like usage and must not count.
  @Test(arguments: [
    #"{"choices":[{"message":{"content":"{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}"}}]}"#,
    #"{"choices":[{"message":{"content":"x","usage":{"prompt_tokens":1,"completion_tokens":1}}}]}"#,
    #"{"data":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}"#,
    #"{"data":[[[{"usage":{"prompt_tokens":1,"completion_tokens":1}}]]]}"#,
    #"{"message":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}"#,
    #"{"response":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}"#,
    #"[{"usage":{"prompt_tokens":1,"completion_tokens":1}}]"#,
    #"{"usage":[{"prompt_tokens":1,"completion_tokens":1}]}"#,
    #"{"usage":{"x":{"prompt_tokens":1,"completion_tokens":1}}}"#,
    #"{"usage":{"prompt_tokens_details":{"prompt_tokens":1,"completion_tokens":1}}}"#,
    #"{"Usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
    #"{"usage":{"prompt_tokens":-1,"completion_tokens":1.5}}"#,
    #"{"usage":{"prompt_tokens":"1 or 2","completion_tokens":true}}"#,
    #"{"usage":{"prompt_tokens":1e2,"completion_tokens":[1]}}"#,
    #"{"usage":{"prompt_tokens":-99999999999999999999999999999999,"completion_tokens":-1}}"#,
    #"{"usage":{"prompt_tokens":null,"completion_tokens":{"a":1}}}"#,
    #"{"usage":{"prompt_tokens":1x,"completion_tokens":1-}}"#,
    #"{"usage":{"prompt_tokens":1,"completion_tokens":1"#,
    #"{"usage":{"prompt_tokens":1,"completion_tokens":1]"#,
    #"{"a":1 2,"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
    #"{"a":},"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
    #"{"\q":1,"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
    #"{"a":1}{"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
    #"{"usage":null}"#, #"{"usage":{}}"#, "{}", "", "null", "[", "{", "\"", "\u{1}",
  ])
  func `only a usage object in its place with counts in it is one`(text: String) {
    let body = Array(text.utf8)
    let usage = meter(body, .json).usage
    #expect(usage.prompt == nil)
    #expect(usage.completion == nil)
    #expect(usage.source == .estimated)
    #expect(differingCut(of: body) { meter(body, .json, cuts: $0) } == nil)
  }

  @Test func `names are compared after unescaping, and the last value of a name wins`() {
    let cases: [(String, Int?, Int?)] = [
      (#"{"\u0075sage":{"prompt\u005ftokens":4,"completion_tokens":5}}"#, 4, 5),
      (#"{"usage":{"prompt_tokens":1,"completion_tokens":5,"prompt_tokens":4}}"#, 4, 5),
      (#"{"usage":{"prompt_tokens":4,"prompt_tokens":null,"completion_tokens":5}}"#, 4, 5),
      (#"{"usage":{"prompt_tokens":1,"completion_tokens":5},"usage":{"prompt_tokens":4}}"#, 4, 5),
      (#"{"usage":{"prompt_tokens":4,"completion_tokens":5},"usage":null}"#, 4, 5),
      (#"{"usage":{"prompt_tokens":2147483648,"completion_tokens":5}}"#, 2_147_483_648, 5),
      ("\u{FEFF}{\"usage\" :\n{ \"prompt_tokens\"\t:4 ,\"completion_tokens\": 5 } }\n", 4, 5),
    ]
    for (text, prompt, completion) in cases {
      let body = Array(text.utf8)
      let usage = meter(body, .json).usage
      #expect(usage.prompt == prompt, "\(text)")
      #expect(usage.completion == completion, "\(text)")
      #expect(differingCut(of: body) { meter(body, .json, cuts: $0) } == nil, "\(text)")
    }
  }

  @Test func `a content type is one of a few formats`() {
    func format(_ text: String) -> ResponseFormat {
      ResponseFormat(contentType: Array(text.utf8).span)
    }
    #expect(format("application/json") == .json)
    #expect(format("Application/JSON; charset=utf-8") == .json)
    #expect(format("application/problem+json") == .json)
    #expect(format("application/json; charset=utf-8; charset=utf-8") == .json)
    #expect(format("text/event-stream") == .eventStream)
    #expect(format("text/event-stream;charset=UTF-8") == .eventStream)
    for lines in ["application/x-ndjson", "application/jsonl; charset=utf-8"] {
      #expect(format(lines) == .jsonLines, "\(lines)")
    }
    for media in ["audio/mpeg", "image/png", "Video/mp4", "application/octet-stream"] {
      #expect(format(media) == .media, "\(media)")
    }
    for other in ["", "text/plain", "text/json+json", "json", ";"] {
      #expect(format(other) == .other, "\(other)")
    }
  }

  @Test func `every number of a usage object has a place of its own`() {
    for field in UsageField.allCases {
      var fields = UsageFields()
      fields[field] = 7
      #expect(UsageField.allCases.filter { fields[$0] != nil } == [field])
      #expect(fields[field] == 7)
    }
  }
}
