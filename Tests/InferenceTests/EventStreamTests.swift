import Terms
import Testing

@testable import Inference

@Suite struct EventStreamTests {
  private func usage(_ text: String, cleanly: Bool = true) -> MeteredUsage {
    let body = Array(text.utf8)
    let whole = meter(body, .eventStream, cleanly: cleanly)
    #expect(whole.client == body)
    #expect(differingCut(of: body) { meter(body, .eventStream, cuts: $0, cleanly: cleanly) } == nil)
    return whole.usage
  }

  /// The same event, as the format allows it to be written.
  @Test(arguments: [
    "data: \(Chunk.usage)\n\n", "data:\(Chunk.usage)\n\n", "\u{FEFF}data: \(Chunk.usage)\n\n",
    ": comment\n\ndata: \(Chunk.usage)\n\n", ":\ndata: \(Chunk.usage)\n\n",
    "id: 1\ndata: \(Chunk.usage)\nretry: 3\n\n",
    "data: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":3\ndata:,\"completion_tokens\":2}\ndata\ndata: }\n\n",
    "\n\n\ndata: \(Chunk.usage)\n\n", "data: \(Chunk.usage)\n", "data: \(Chunk.usage)",
    "data: \(Chunk.usage)\r\n\r\n",
    "data: \(Chunk.usage)\r\r", "event: x\ndata: \(Chunk.usage)\n\n",
    "database: 1\ndata: \(Chunk.usage)\n\n",
    "data: \(Chunk.usage)\n\ndata: [DONE]\n\n", "data: \(Chunk.usage)\n\ndata: [DONE] \n\n",
    "data: \(Chunk.usage)\n\ndata:  [DONE]\n\n",
  ])
  func `an event is read in every form`(text: String) {
    let usage = usage(text)
    #expect(usage.prompt == 3)
    #expect(usage.completion == 2)
    #expect(usage.source == .reported)
    #expect(usage.sawEnd == text.contains("DONE"))
  }

  @Test(arguments: [
    "dat: \(Chunk.usage)\n\n", ": data: \(Chunk.usage)\n\n",
    " data: \(Chunk.usage)\n\n",
    "Data: \(Chunk.usage)\n\n", "data \(Chunk.usage)\n\n", "data: x\(Chunk.usage)\n\n",
    "data: {\ndata: [DONE]\n\n", "data: [DONE]x\n\n", "data: [ DONE]\n\n", "data: [DONE]\tx\n\n",
    "data: [DONE\ndata: ]\n\n",
  ])
  func `what is no event of data is not read`(text: String) {
    let usage = usage(text)
    #expect(usage.prompt == nil)
    #expect(usage.source == .estimated)
    #expect(!usage.sawEnd)
  }

  @Test func `an error after a 200 is seen`() {
    let texts = [
      #"{"error":{"message":"no","code":500}}"#, #"{"error":"no"}"#,
      #"{"type":"error","error":{"type":"overloaded_error"}}"#,
    ]
    for text in texts { #expect(usage("data: \(Chunk.content)\n\ndata: \(text)\n\n").sawError) }
    #expect(usage("event: error\ndata: {\"message\":\"no\"}\n\n").sawError)
    #expect(usage("event:error\n\n").sawError)
    #expect(!usage("event: errors\n\n").sawError)
    #expect(!usage("data: {\"error\":null}\n\n").sawError)
    #expect(!usage("data: \(Chunk.content)\n\n").sawError)
  }

  @Test func `an opening usage is the last word only of a stream that came to its end`() {
    let start =
      #"{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}"#
    let delta = #"{"type":"content_block_delta","delta":{"type":"text_delta","text":"12345678"}}"#
    var cut = usage("data: \(start)\n\ndata: \(delta)\n\n", cleanly: false)
    #expect(cut.source == .estimated)
    #expect(cut.prompt == 9)
    #expect(cut.completion == 1)
    #expect(cut.outputBytesAfterUsage == 8)
    cut.estimate(promptTokens: 1000) { $0 / 4 }
    #expect(cut.prompt == 9)
    #expect(cut.completion == 3)
    #expect(cut.total == 12)
    #expect(usage("data: \(start)\n\ndata: \(delta)\n\n", cleanly: true).source == .estimated)
    let stop = #"data: {"type":"message_stop"}"# + "\n\n"
    #expect(usage("data: \(start)\n\n" + stop, cleanly: false).source == .reported)
    let error = #"data: {"type":"error","error":{}}"# + "\n\n"
    #expect(usage("data: \(start)\n\n" + error, cleanly: true).source == .estimated)
  }

  @Test func `a cut stream is charged by its last running usage and what came after`() {
    let running =
      #"{"choices":[{"delta":{"content":"abc"}}],"usage":{"prompt_tokens":3,"completion_tokens":40}}"#
    var cut = usage("data: \(running)\n\ndata: \(Chunk.content)\n\n", cleanly: false)
    #expect(cut.source == .estimated)
    #expect(cut.outputBytes == 5)
    cut.estimate(promptTokens: 1) { $0 }
    #expect(cut.prompt == 3)
    #expect(cut.completion == 42)
    #expect(usage("data: \(running)\n\n", cleanly: true).source == .reported)
    #expect(usage("data: \(running)\n\ndata: [DONE]\n\n", cleanly: false).source == .reported)
    #expect(usage("data: \(Chunk.usage)\n\n", cleanly: false).source == .reported)
    // A usage without choices is not final if output follows it.
    let early = usage("data: \(Chunk.usage)\n\ndata: \(Chunk.content)\n\n", cleanly: false)
    #expect(early.source == .estimated)
    var nothing = usage("data: \(Chunk.content)\n\n", cleanly: false)
    nothing.estimate(promptTokens: 10) { $0 }
    #expect(nothing.total == 12)
  }

  /// Content of a delta, and how many bytes of it the model wrote.
  @Test(arguments: [
    (#"{"choices":[{"delta":{"content":"Hé\n\u00e9\u20ac\ud83d\ude00"}}]}"#, 3 + 1 + 2 + 3 + 4),
    (#"{"choices":[{"text":"abc"}]}"#, 3),
    (#"{"choices":[{"delta":{"content":" is "}}]}"#, 4),
    (#"{"choices":[{"delta":{"content":" "}}]}"#, 1),
    (#"{"choices":[{"delta":{"content":"ab"}},{"delta":{"content":"c"}}]}"#, 3),
    (#"{"choices":[{"delta":{"reasoning_content":"abc","reasoning":"abc"}}]}"#, 3),
    (#"{"choices":[{"delta":{"reasoning":"abc"}}]}"#, 3),
    (#"{"choices":[{"delta":{"refusal":"no"}}]}"#, 2),
    (#"{"choices":[{"delta":{"content":[{"type":"text","text":"abc"}]}}]}"#, 3),
    (
      #"{"choices":[{"delta":{"tool_calls":[{"id":"call_1","function":{"name":"f","arguments":"{}"}}]}}]}"#,
      3
    ),
    (#"{"choices":[{"delta":{"function_call":{"arguments":"{}"}}}]}"#, 2),
    (#"{"type":"response.output_text.delta","delta":"abc"}"#, 3),
    (#"{"delta":"abc","type":"response.function_call_arguments.delta"}"#, 3),
    (#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"abc"}}"#, 3),
    (#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{"}}"#, 1),
    (
      #"{"type":"content_block_start","content_block":{"type":"tool_use","name":"f","input":{}}}"#,
      1
    ),
  ])
  func `content is counted and is the first token`(data: String, bytes: Int) {
    #expect(usage("data: \(data)\n\n").outputBytes == bytes)
    var meter = ResponseMeter(.init(format: .eventStream, status: 200, startedMs: 100))
    for (text, now) in [
      ("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}", 130), (data, 175),
      (data, 190),
    ] {
      #expect(meter.consume(events(text).span, nowMs: Int64(now)) == .pass)
    }
    #expect(meter.finish(endedCleanly: true).ttftMs == 75)
  }

  @Test(arguments: [
    #"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#,
    #"{"type":"response.content_part.done","part":{"text":"abc"}}"#,
    #"{"type":"ping"}"#, #"{"id":"abc","model":"abc","object":"abc"}"#,
    #"{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"abc"}}"#,
  ])
  func `what is no new content is neither counted nor the first token`(data: String) {
    let usage = usage("data: \(data)\n\n")
    #expect(usage.outputBytes == 0)
    #expect(usage.ttftMs == nil)
  }

  @Test(arguments: [
    ("stop", FinishReason.stop), ("end_turn", .stop), ("length", .length), ("max_tokens", .length),
    ("tool_calls", .toolCalls), ("tool_use", .toolCalls), ("content_filter", .contentFilter),
    ("eos", .other), ("a reason that is longer than any word that is known", .other),
  ])
  func `the reason to stop is one of a fixed list`(word: String, reason: FinishReason) {
    #expect(usage("data: {\"choices\":[{\"finish_reason\":\"\(word)\"}]}\n\n").finish == reason)
    #expect(
      usage("data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"\(word)\"}}\n\n").finish
        == reason)
  }

  @Test func `a backend's refusal without usage is not charged, one with usage is`() {
    let error = Array(#"{"error":{"message":"no"}}"#.utf8)
    #expect(meter(error, .json, status: 429).usage.source == .none)
    #expect(meter(error, .json, status: 200).usage.source == .none)
    #expect(meter(error, .other, status: 503).usage.source == .none)
    #expect(meter(Array("{}".utf8), .json, status: 399).usage.source == .estimated)
    let body = Array(#"{"error":{},"usage":{"prompt_tokens":1,"completion_tokens":0}}"#.utf8)
    #expect(meter(body, .json, status: 500).usage.source == .reported)
  }

  @Test func `what is not metered is left alone`() {
    var meter = ResponseMeter(
      .init(
        format: .eventStream, status: 200, isMetered: false, removesUsageChunk: true, startedMs: 0))
    #expect(meter.consume(events(Chunk.content, Chunk.usage).span, nowMs: 1) == .pass)
    #expect(meter.finish(endedCleanly: true) == MeteredUsage())
  }
}
