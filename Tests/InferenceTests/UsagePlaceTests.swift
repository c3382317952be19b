import Terms
import Testing

@testable import Inference

/// Usage that stands elsewhere than at the top, or is in another unit than tokens.
@Suite struct UsagePlaceTests {
  static let shapes: [UsageShape] = [
    .init(
      name: "in the choice", format: .eventStream,
      body: """
        data: {"choices":[{"index":0,"delta":{"content":"Danube"},"finish_reason":null}]}

        data: {"choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":26,"completion_tokens":9,"total_tokens":35}}]}

        data: [DONE]


        """, prompt: 26, completion: 9, total: 35),
    .init(
      name: "in the choice and behind it: the same usage", format: .eventStream,
      body: """
        data: {"choices":[{"delta":{"content":"Hi"},"usage":{"prompt_tokens":26,"completion_tokens":9}}]}

        data: {"choices":[],"usage":{"prompt_tokens":26,"completion_tokens":9}}

        data: [DONE]


        """, prompt: 26, completion: 9, total: 35),
    .init(
      name: "in the choice of a whole answer", format: .json,
      body:
        #"{"choices":[{"message":{"content":"Hi"},"usage":{"prompt_tokens":2,"completion_tokens":1}}]}"#,
      prompt: 2, completion: 1, total: 3),
    .init(
      name: "Groq's", format: .eventStream,
      body: """
        data: {"choices":[{"delta":{"content":"Hi"}}],"x_groq":{"id":"req_1"}}

        data: {"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"req_1","usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}}}

        data: [DONE]


        """, prompt: 12, completion: 3, total: 15),
    .init(
      name: "Groq's in a whole answer", format: .json,
      body:
        #"{"choices":[{"message":{"content":"Hi"}}],"x_groq":{"usage":{"prompt_tokens":12,"completion_tokens":3}}}"#,
      prompt: 12, completion: 3, total: 15),
    .init(
      name: "Cohere's tokens", format: .json,
      body: #"{"text":"Hi","meta":{"tokens":{"input_tokens":7.0,"output_tokens":2.0}}}"#,
      prompt: 7, completion: 2, total: 9),
    .init(
      name: "Cohere's billed units count before its tokens", format: .json,
      body: #"""
        {"text":"Hi","meta":{"billed_units":{"input_tokens":7,"output_tokens":2},
        "tokens":{"input_tokens":70,"output_tokens":2}}}
        """#, prompt: 7, completion: 2, total: 9),
    .init(
      name: "Cohere's in the usage", format: .json,
      body: #"""
        {"message":{"content":[{"type":"text","text":"Hi"}]},"usage":{"tokens":{"input_tokens":70,
        "output_tokens":2},"billed_units":{"input_tokens":7,"output_tokens":2}}}
        """#, prompt: 7, completion: 2, total: 9),
    .init(
      name: "Gemini's", format: .json,
      body: #"""
        {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP"}],
        "usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":20,"thoughtsTokenCount":50,
        "cachedContentTokenCount":4,"toolUsePromptTokenCount":3,"totalTokenCount":83}}
        """#, prompt: 13, completion: 70, total: 83, cached: 4, reasoning: 50),
    .init(
      name: "Gemini's without a total", format: .json,
      body: #"""
        {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":{"promptTokenCount":10,
        "candidatesTokenCount":60,"thoughtsTokenCount":50}}
        """#, prompt: 10, completion: 110, total: 120, reasoning: 50),
    .init(
      name: "Gemini's stream", format: .eventStream,
      body: """
        data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10}}

        data: {"candidates":[{"content":{"parts":[{"text":"!"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":12}}


        """, prompt: 10, completion: 2, total: 12),
    .init(
      name: "the tier at the top", format: .json,
      body:
        #"{"service_tier":"priority","choices":[],"usage":{"prompt_tokens":2,"completion_tokens":1}}"#,
      prompt: 2, completion: 1, total: 3, tier: .priority),
    .init(
      name: "the tier in a response", format: .eventStream,
      body: """
        data: {"type":"response.completed","response":{"service_tier":"flex","usage":{"input_tokens":2,"output_tokens":1}}}


        """, prompt: 2, completion: 1, total: 3, tier: .flex),
    .init(
      name: "a tier that nobody knows", format: .json,
      body: #"{"service_tier":"\u0000","usage":{"prompt_tokens":2,"completion_tokens":1}}"#,
      prompt: 2, completion: 1, total: 3, tier: .other),
  ]

  @Test(arguments: shapes)
  func `usage is read wherever providers put it`(shape: UsageShape) { shape.check() }

  /// Bodies, and thousandths of the unit in them.
  @Test(arguments: [
    (
      #"{"text":"Danube.","usage":{"type":"duration","seconds":11}}"#, UsageUnits.Unit.seconds,
      11_000
    ),
    (#"{"text":"Danube.","usage":{"type":"duration","seconds":11.25}}"#, .seconds, 11_250),
    (#"{"text":"Danube.","usage":{"seconds":0.0001,"type":"duration"}}"#, .seconds, 1),
    (#"{"results":[],"meta":{"billed_units":{"search_units":2}}}"#, .searchUnits, 2000),
    (#"{"data":[],"usage":{"rerank_units":1}}"#, .rerankUnits, 1000),
  ])
  func `usage in another unit has no tokens`(text: String, unit: UsageUnits.Unit, amount: Int64) {
    let body = Array(text.utf8)
    let usage = meter(body, .json).usage
    #expect(usage.source == .reported)
    #expect(usage.prompt == nil)
    #expect(usage.completion == nil)
    #expect(usage.total == nil)
    for each in UsageUnits.Unit.allCases {
      #expect(usage.units[each] == (each == unit ? amount : nil))
    }
    #expect(differingCut(of: body) { meter(body, .json, cuts: $0) } == nil)
  }

  @Test(arguments: [
    #"{"text":"Danube.","usage":{"type":"duration","seconds":0}}"#,
    #"{"text":"Danube.","usage":{"type":"duration","seconds":-11}}"#,
    #"{"text":"Danube.","usage":{"type":"duration","seconds":"11 s"}}"#,
    #"{"text":"Danube.","usage":{"type":"duration"}}"#,
  ])
  func `an amount of another unit that is none is not one`(text: String) {
    let usage = meter(Array(text.utf8), .json).usage
    #expect(usage.source == .estimated)
    #expect(usage.units.isEmpty)
  }

  @Test func `tokens and another unit stand beside each other`() {
    let text =
      #"{"text":"Hi","usage":{"prompt_audio_seconds":3,"prompt_tokens":8,"completion_tokens":2}}"#
    let usage = meter(Array(text.utf8), .json).usage
    #expect(usage.prompt == 8)
    #expect(usage.completion == 2)
    #expect(usage.units[.seconds] == 3000)
  }
}
