import Terms
import Testing

@testable import Inference

/// Counts that are 0, missing, impossible, or that do not add up.
@Suite struct CountTests {
  private static func json(
    _ name: String, text: String? = nil, _ usage: String, prompt: Int?, completion: Int?,
    cached: Int? = nil, written: Int? = nil, reasoning: Int? = nil, hour: Int? = nil,
    tier: ServiceTier? = nil, _ source: UsageSource = .reported
  ) -> UsageShape {
    let content = text.map { #"[{"index":0,"message":{"content":"\#($0)"}}]"# } ?? "[]"
    let total = prompt.flatMap { prompt in completion.map { prompt + $0 } }
    return UsageShape(
      name: name, format: .json, body: #"{"choices":\#(content),"usage":{\#(usage)}}"#,
      prompt: prompt, completion: completion, total: total, cached: cached, written: written,
      reasoning: reasoning, source: source, writtenHour: hour, tier: tier)
  }

  static let zeros: [UsageShape] = [
    json(
      "nothing is counted", text: "Hi", #""prompt_tokens":0,"completion_tokens":0"#, prompt: nil,
      completion: nil, .estimated),
    json(
      "nothing is counted and nothing was written",
      #""prompt_tokens":0,"completion_tokens":0,"total_tokens":0"#, prompt: nil, completion: 0,
      .estimated),
    json(
      "no prompt", text: "Hi", #""prompt_tokens":0,"completion_tokens":3"#, prompt: nil,
      completion: 3, .estimated),
    json(
      "no prompt, but a total", text: "Hi",
      #""prompt_tokens":0,"completion_tokens":3,"total_tokens":10"#, prompt: 7, completion: 3),
    json(
      "no completion beside text", text: "Hi", #""prompt_tokens":9,"completion_tokens":0"#,
      prompt: 9, completion: nil, .estimated),
    json(
      "no completion by way of the total", text: "Hi", #""prompt_tokens":9,"total_tokens":9"#,
      prompt: 9, completion: nil, .estimated),
    json(
      "a name with 0 beside one that counts", text: "Hi",
      #""prompt_tokens":0,"input_tokens":9,"completion_tokens":0,"output_tokens":4"#, prompt: 9,
      completion: 4),
    json(
      "a negative completion", text: "Hi",
      #""prompt_tokens":900,"completion_tokens":-20,"total_tokens":880"#, prompt: 900,
      completion: nil, .estimated),
    json(
      "a negative completion and no text",
      #""prompt_tokens":900,"completion_tokens":-20,"total_tokens":880"#, prompt: 900,
      completion: nil, .estimated),
    json(
      "a negative prompt is the rest of the total", text: "Hi",
      #""prompt_tokens":-5,"completion_tokens":20,"total_tokens":120"#, prompt: 100,
      completion: 20),
    json(
      "a negative total says nothing", text: "Hi",
      #""prompt_tokens":10,"completion_tokens":20,"total_tokens":-30"#, prompt: 10,
      completion: 20),
    json(
      "a total below its completion says nothing", text: "Hi",
      #""completion_tokens":20,"total_tokens":10"#, prompt: nil, completion: 20, .estimated),
    json(
      "half a token", text: "Hi", #""prompt_tokens":10,"completion_tokens":20.5"#, prompt: 10,
      completion: nil, .estimated),
  ]

  static let parts: [UsageShape] = [
    json(
      "reasoning beside the completion", text: "Hi",
      #""prompt_tokens":40,"completion_tokens":7,"total_tokens":110,"#
        + #""completion_tokens_details":{"reasoning_tokens":63}"#, prompt: 40, completion: 70,
      reasoning: 63),
    json(
      "reasoning in the completion", text: "Hi",
      #""prompt_tokens":40,"completion_tokens":70,"total_tokens":110,"#
        + #""completion_tokens_details":{"reasoning_tokens":63}"#, prompt: 40, completion: 70,
      reasoning: 63),
    json(
      "more reasoning than completion, no total", text: "Hi",
      #""prompt_tokens":40,"completion_tokens":7,"#
        + #""completion_tokens_details":{"reasoning_tokens":63}"#, prompt: 40, completion: 70,
      reasoning: 63),
    json(
      "more reasoning than completion, which the total leaves out", text: "Hi",
      #""prompt_tokens":40,"completion_tokens":7,"total_tokens":47,"reasoning_tokens":63"#,
      prompt: 40, completion: 70, reasoning: 63),
    json(
      "Anthropic's thinking", text: "Hi",
      #""input_tokens":4,"output_tokens":30,"output_tokens_details":{"thinking_tokens":20}"#,
      prompt: 4, completion: 30, reasoning: 20),
    json(
      "a prompt without its cached part", text: "Hi",
      #""prompt_tokens":350,"completion_tokens":40,"total_tokens":390,"#
        + #""prompt_tokens_details":{"cached_tokens":6800}"#, prompt: 7150, completion: 40,
      cached: 6800),
    json(
      "a prompt without what was written to a cache", text: "Hi",
      #""prompt_tokens":31,"completion_tokens":467,"total_tokens":498,"prompt_tokens_details":"#
        + #"{"cached_tokens":0},"cache_creation_input_tokens":1253,"cache_read_input_tokens":0"#,
      prompt: 1284, completion: 467, cached: 0, written: 1253),
    json(
      "a prompt without either part", text: "Hi",
      #""prompt_tokens":600,"completion_tokens":4,"prompt_tokens_details":"#
        + #"{"cached_tokens":500,"cache_write_tokens":400}"#, prompt: 1500, completion: 4,
      cached: 500, written: 400),
    json(
      "the same of Responses", #""input_tokens":5,"input_tokens_details":{"cached_tokens":90}"#,
      prompt: 95, completion: 0, cached: 90),
    json(
      "a cached 0 beside another name", text: "Hi",
      #""prompt_tokens":2000,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":0},"#
        + #""prompt_cache_hit_tokens":1024"#, prompt: 2000, completion: 4, cached: 1024),
    json(
      "Kimi's cached tokens", text: "Hi",
      #""prompt_tokens":2000,"completion_tokens":4,"cached_tokens":1024"#, prompt: 2000,
      completion: 4, cached: 1024),
    json(
      "cache writes in the details", text: "Hi",
      #""prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"#
        + #""prompt_tokens_details":{"cached_tokens":200,"cache_write_tokens":500}"#,
      prompt: 1000, completion: 10, cached: 200, written: 500),
    json(
      "their other name", text: "Hi",
      #""prompt_tokens":1000,"completion_tokens":10,"#
        + #""prompt_tokens_details":{"cached_tokens":200,"cache_creation_tokens":500}"#,
      prompt: 1000, completion: 10, cached: 200, written: 500),
    json(
      "cache writes for an hour", text: "Hi",
      #""input_tokens":100,"cache_creation_input_tokens":10000,"cache_read_input_tokens":0,"#
        + #""cache_creation":{"ephemeral_5m_input_tokens":1000,"ephemeral_1h_input_tokens":9000},"#
        + #""output_tokens":50,"service_tier":"standard""#, prompt: 10100, completion: 50,
      cached: 0, written: 10_000, hour: 9000, tier: .standard),
    json(
      "their parts without a sum", text: "Hi",
      #""input_tokens":100,"output_tokens":50,"cache_creation":"#
        + #"{"ephemeral_1h_input_tokens":9000,"ephemeral_5m_input_tokens":1000}"#,
      prompt: 10100, completion: 50, written: 10_000, hour: 9000),
    json(
      "counts past 2³¹", text: "Hi", #""prompt_tokens":3000000000,"completion_tokens":5000000000"#,
      prompt: 3_000_000_000, completion: 5_000_000_000),
    json(
      "counts past every bound", text: "Hi",
      #""prompt_tokens":99999999999999999999999999,"completion_tokens":9007199254740993.0"#,
      prompt: 1 << 53, completion: 1 << 53),
  ]

  @Test(arguments: zeros)
  func `a count of 0 or none where there was something to count was not reported`(
    shape: UsageShape
  ) { shape.check() }

  @Test(arguments: parts)
  func `parts and totals that do not add up say what they can mean`(shape: UsageShape) {
    shape.check()
  }

  /// The usages of a stream's events, and what the last one means.
  private static func stream(
    _ name: String, _ usages: [String], prompt: Int?, completion: Int?, cached: Int? = nil,
    written: Int? = nil, _ source: UsageSource = .reported
  ) -> UsageShape {
    let text = #"data: {"type":"content_block_delta","delta":{"text":"abcdefgh"}}"# + "\n\n"
    let start = #"data: {"type":"message_start","message":{"usage":{\#(usages[0])}}}"# + "\n\n"
    let deltas = usages.dropFirst().map {
      #"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":\#($0)}"# + "\n\n"
    }
    let total = prompt.flatMap { prompt in completion.map { prompt + $0 } }
    return UsageShape(
      name: name, format: .eventStream,
      body: start + text + deltas.joined() + #"data: {"type":"message_stop"}"# + "\n\n",
      prompt: prompt, completion: completion, total: total, cached: cached, written: written,
      source: source)
  }

  static let streams: [UsageShape] = [
    stream(
      "a delta says that there was no input",
      [#""input_tokens":57,"output_tokens":1"#, #"{"input_tokens":0,"output_tokens":12}"#],
      prompt: 57, completion: 12),
    stream(
      "a delta repeats the caches and has no input",
      [
        #""input_tokens":57,"cache_read_input_tokens":100,"output_tokens":1"#,
        #"{"input_tokens":0,"cache_read_input_tokens":100,"output_tokens":12}"#,
      ], prompt: 157, completion: 12, cached: 100),
    stream(
      "the cache fields take the input over",
      [
        #""input_tokens":57,"output_tokens":1"#,
        #"{"input_tokens":0,"cache_read_input_tokens":57,"output_tokens":12}"#,
      ], prompt: 57, completion: 12, cached: 57),
    stream(
      "a lower input, with the rest in the caches",
      [
        #""input_tokens":2000,"output_tokens":1"#,
        #"{"input_tokens":20,"cache_read_input_tokens":1900,"cache_creation_input_tokens":80,"#
          + #""output_tokens":12}"#,
      ], prompt: 2000, completion: 12, cached: 1900, written: 80),
    stream(
      "the caches become 0",
      [
        #""input_tokens":5,"cache_read_input_tokens":90,"output_tokens":1"#,
        #"{"input_tokens":5,"cache_read_input_tokens":0,"output_tokens":12}"#,
      ], prompt: 95, completion: 12, cached: 90),
    stream(
      "a total is that of its own object",
      [
        #""input_tokens":100,"output_tokens":50,"total_tokens":150"#,
        #"{"input_tokens":20,"output_tokens":12}"#,
      ], prompt: 20, completion: 12),
    stream(
      "a later total is one",
      [
        #""input_tokens":100,"output_tokens":1"#,
        #"{"input_tokens":100,"output_tokens":12,"total_tokens":130}"#,
      ], prompt: 100, completion: 30),
    stream(
      "no usage behind the text", [#""input_tokens":10,"output_tokens":1"#], prompt: 10,
      completion: 1, .estimated),
    stream(
      "usage that is null behind the text", [#""input_tokens":10,"output_tokens":0"#, "null"],
      prompt: 10, completion: nil, .estimated),
    stream(
      "usage without output behind the text",
      [#""input_tokens":10,"output_tokens":1"#, #"{"input_tokens":10}"#], prompt: 10,
      completion: 1, .estimated),
    stream(
      "an output of 0 behind the text",
      [#""input_tokens":10,"output_tokens":1"#, #"{"output_tokens":0}"#], prompt: 10,
      completion: 1, .estimated),
  ]

  @Test(arguments: streams)
  func `the last word of a stream counts, where it counts anything`(shape: UsageShape) {
    shape.check()
  }

  @Test func `what came before any output is no count of it`() {
    for shape in Self.streams where shape.source == .estimated {
      var usage = meter(Array(shape.body.utf8), .eventStream).usage
      usage.estimate(promptTokens: 99) { $0 / 4 }
      #expect(usage.prompt == 10)
      #expect(usage.completion == (shape.completion ?? 0) + 2)
    }
  }

  @Test func `a prompt that is estimated is no smaller than its cached part`() {
    var usage = MeteredUsage()
    usage.source = .estimated
    usage.cachedPrompt = 70
    usage.cacheWritePrompt = 5
    usage.estimate(promptTokens: 10) { $0 }
    #expect(usage.prompt == 75)
    #expect(usage.total == 75)
  }
}
