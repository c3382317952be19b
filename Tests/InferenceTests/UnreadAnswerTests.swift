import Terms
import Testing

@testable import Inference

/// What an answer is whatever its headers say, and what is charged of one that cannot be read.
@Suite struct UnreadAnswerTests {
  private static let json =
    #"{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#
  private static let stream =
    "data: \(Chunk.content)\n\ndata: \(Chunk.usage)\n\ndata: [DONE]\n\n"

  @Test(
    arguments: [ResponseFormat.json, .jsonLines, .eventStream, .media, .other, .encoded],
    [
      json, "\n\n" + json, "\u{FEFF}" + json, stream, ": ping\n\n" + stream,
      "event: x\n" + stream, "id: 7\n" + stream, "retry: 7\n" + stream, "\r\n" + stream,
      "\u{FEFF}" + stream,
      Chunk.content + "\n" + Chunk.usage + "\n", Chunk.content + "\r\n\r\n" + Chunk.usage,
    ])
  func `what a body is decides how it is read, not what its headers say`(
    format: ResponseFormat, text: String
  ) {
    let body = Array(text.utf8)
    let usage = meter(body, format).usage
    #expect(usage.prompt == 3)
    #expect(usage.completion == 2)
    #expect(usage.source == .reported)
    #expect(usage.unread == nil)
    for removes in [false, true] {
      #expect(
        differingCut(of: body) { meter(body, format, cuts: $0, removes: removes) } == nil)
    }
  }

  @Test func `a usage chunk is taken out of a stream with another content type`() {
    let body = Array(Self.stream.utf8)
    let rest = "data: \(Chunk.content)\n\ndata: [DONE]\n\n"
    for format in [ResponseFormat.json, .other, .eventStream] {
      #expect(meter(body, format, removes: true).text == rest)
    }
  }

  /// Streams as some servers write them, which are no good server-sent events.
  @Test(arguments: [
    "data:\n\(Chunk.usage)\n\n", "data: \n\(Chunk.usage)\n\n",
    "data\n" + "data:\n\(Chunk.usage)\n\n",
    "data: {\n \"choices\":[],\n\"usage\":{\"prompt_tokens\":3,\n\t\"completion_tokens\":2}\n}\n\n",
    "data: \(Chunk.content)\ndata: \(Chunk.usage)\ndata: [DONE]\n",
    "data:\(Chunk.usage)\ndata:[DONE]\n\n",
    "event: x\ndata: \(Chunk.content)\nevent: y\ndata: \(Chunk.usage)\n\n",
  ])
  func `a stream that is not quite one is read as it is meant`(text: String) {
    let body = Array(text.utf8)
    let metered = meter(body, .eventStream)
    #expect(metered.usage.prompt == 3)
    #expect(metered.usage.completion == 2)
    #expect(metered.usage.source == .reported)
    #expect(metered.client == body)
    for removes in [false, true] {
      #expect(
        differingCut(of: body) { meter(body, .eventStream, cuts: $0, removes: removes) } == nil)
    }
  }

  @Test func `content beside the usage chunk in one event is not taken out`() {
    let text = "data: \(Chunk.content)\ndata: \(Chunk.usage)\n\n"
    #expect(meter(Array(text.utf8), .eventStream, removes: true).text == text)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var format: ResponseFormat
    var body: String
    var reason: UnreadReason?
    /// With four bytes of text a token.
    var tokens: Int

    var testDescription: String { name }
  }

  private static func text(_ count: Int) -> String {
    String(String(repeating: "Danube, Rhine and Loire. ", count: count / 25 + 1).prefix(count))
  }

  static let rows: [Row] = [
    Row(name: "plain text", format: .other, body: text(400), reason: .text, tokens: 100),
    Row(
      name: "plain text that begins like a field", format: .other, body: "data shows" + text(390),
      reason: .text, tokens: 100),
    Row(
      name: "text that says it is JSON", format: .json, body: text(400), reason: .text, tokens: 100),
    Row(
      name: "srt", format: .other, body: "1\n00:00:00,000 --> 00:00:02,000\n" + text(365),
      reason: .text, tokens: 100),
    Row(
      name: "vtt", format: .other, body: "WEBVTT\n\n00:00.000 --> 00:02.000\n" + text(364),
      reason: .text, tokens: 99),
    Row(name: "a word", format: .other, body: "data", reason: .text, tokens: 1),
    Row(
      name: "sound", format: .media, body: "ID3" + text(2557), reason: .media, tokens: 10),
    Row(
      name: "compressed", format: .encoded, body: "\u{1F}\u{B}" + text(398), reason: .encoded,
      tokens: 100),
    Row(
      name: "JSON that is an array", format: .json, body: "[" + text(399), reason: .text,
      tokens: 100),
    Row(
      name: "JSON of an unknown shape", format: .json, body: #"{"reply":"\#(text(628))"}"#,
      reason: .unknownShape, tokens: 20),
    Row(
      name: "events of an unknown shape", format: .eventStream,
      body: "data: {\"token\":\"\(text(614))\"}\n\n", reason: .unknownShape, tokens: 19),
    Row(
      name: "events that are no JSON", format: .eventStream, body: "data: \(text(632))\n\n",
      reason: .malformed, tokens: 20),
    Row(
      name: "JSON that breaks off being such", format: .json,
      body: #"{"choices":[{"message":{"content":"abcd"}}],"x":]"# + text(640), reason: .malformed,
      tokens: 21),
    Row(
      name: "garbage behind JSON", format: .json,
      body: #"{"choices":[{"message":{"content":"abcd"}}]}"# + text(641), reason: .malformed,
      tokens: 21),
    Row(
      name: "a damaged event among good ones", format: .eventStream,
      body: "data: \(Chunk.content)\n\ndata: x\(text(640))\n\ndata: [DONE]\n\n", reason: .malformed,
      tokens: 21),
    Row(name: "silence", format: .json, body: #"{"text":""}"#, reason: nil, tokens: 0),
    Row(name: "nothing", format: .other, body: "", reason: nil, tokens: 0),
    Row(name: "empty lines", format: .json, body: "\n\n\n", reason: nil, tokens: 0),
  ]

  @Test(arguments: rows)
  func `what cannot be read is charged by its bytes`(row: Row) {
    let body = Array(row.body.utf8)
    var usage = meter(body, row.format).usage
    #expect(usage.source == .estimated)
    #expect(usage.unread == row.reason)
    usage.estimate(promptTokens: 7) { ($0 + 3) / 4 }
    #expect(usage.completion == row.tokens)
    #expect(usage.prompt == 7)
    #expect(differingCut(of: body) { meter(body, row.format, cuts: $0) } == nil)
    // Bytes say nothing of vectors, pictures and sound.
    #expect(meter(body, row.format, isText: false).usage.unread == nil)
  }

  /// Content that has another form than text, and what it is estimated as, with one byte a token.
  @Test(arguments: [
    (#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"abc"}]}}]}"#, 3),
    (
      #"{"choices":[{"delta":{"reasoning":"abc","reasoning_details":[{"summary":"abc","id":"x"}]}}]}"#,
      3
    ),
    (#"{"choices":[{"delta":{"reasoning_details":[{"data":"abcdefgh"}]}}]}"#, 8),
    (#"{"choices":[{"delta":{"audio":{"id":"x","transcript":"abc"}}}]}"#, 3),
    (#"{"choices":[{"delta":{"function_call":{"name":"f","arguments":{"a":[1,"}"]}}}}]}"#, 12),
    (#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"a":"\"\u00e9"}}}]}}]}"#, 14),
    (#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"text":"abc"}]}]}}]}"#, 14),
    (#"{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[1,2,3,4,5,6,7,8,9]}}]}"#, 1),
    (
      #"{"type":"content_block_start","content_block":{"type":"redacted_thinking","data":"abc"}}"#,
      3
    ),
    (#"{"choices":[{"delta":{"role":"assistant","thought":"abc"}}]}"#, 3),
    (#"{"choices":[{"delta":{"content":"a","thought":"abc","id":"abc"}}]}"#, 1),
    (#"{"choices":[{"delta":{"thought":null,"thoughts":["abc"],"type":"abc"}}]}"#, 0),
    (#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}}}]}}]}"#, 6),
    (
      #"{"choices":[{"delta":{"content":"ab"},"logprobs":{"x":NaN,"y":-Infinity,"z":Infinity}}]}"#,
      2
    ),
  ])
  func `content is counted in every form`(data: String, bytes: Int) {
    let body = events(data)
    let usage = meter(body, .eventStream).usage
    #expect(usage.outputBytes == bytes)
    #expect(usage.unread == nil)
    #expect(differingCut(of: body) { meter(body, .eventStream, cuts: $0) } == nil)
  }

  /// Sound and pictures: a token for each 256 bytes of base64.
  @Test(arguments: [
    #"{"type":"response.audio.delta","delta":"§"}"#,
    #"{"delta":"§","type":"response.output_audio.delta"}"#,
    #"{"type":"speech.audio.delta","audio":"§"}"#,
    #"{"choices":[{"delta":{"audio":{"data":"§"}}}]}"#,
    #"{"type":"image_generation.partial_image","b64_json":"§"}"#,
  ])
  func `sound and pictures in a stream are estimated by their bytes`(data: String) {
    let body = events(
      data.replacing("§", with: String(repeating: "A", count: 700)),
      data.replacing("§", with: String(repeating: "/", count: 324)))
    var usage = meter(body, .eventStream).usage
    #expect(usage.outputBytes == 0)
    usage.estimate(promptTokens: 1) { $0 }
    #expect(usage.completion == 4)
    let reported = meter(body + events(Chunk.usage), .eventStream).usage
    #expect(reported.completion == 2)
    #expect(reported.source == .reported)
  }

  @Test func `probabilities count where there is no other content`() {
    let list = #"{"content":[\#(String(repeating: "1,", count: 160))1]}"#
    let alone = meter(events(#"{"choices":[{"delta":{},"logprobs":\#(list)}]}"#), .eventStream)
      .usage
    #expect(alone.unread == .malformed)
    #expect(alone.unreadTokens == 10)
  }

  @Test func `an answer that is no stream was written whole, however much of it was seen`() {
    let body = Array(#"{"choices":[{"message":{"content":"abcdefgh"#.utf8)
    func completion(_ bytes: Int?, cleanly: Bool, format: ResponseFormat = .json) -> Int? {
      var usage = meter(body, format, cleanly: cleanly, bodyBytes: bytes).usage
      usage.estimate(promptTokens: 1) { ($0 + 3) / 4 }
      return usage.completion
    }
    #expect(completion(nil, cleanly: false) == 2)
    #expect(completion(body.count + 400, cleanly: false) == 102)
    #expect(completion(body.count + 400, cleanly: true) == 2)
    #expect(completion(body.count, cleanly: false) == 2)
    #expect(completion(1, cleanly: false) == 2)
    #expect(completion(.max, cleanly: false) ?? 0 > 1 << 50)
    let stream = events(Chunk.content)
    #expect(
      meter(stream, .eventStream, cleanly: false, bodyBytes: 9999).usage.outputBytesAfterUsage == 2)
    let left = meter([], .json, cleanly: false, bodyBytes: 400).usage
    #expect(left.outputBytesAfterUsage == 400)
    #expect(
      meter([], .json, cleanly: false, isText: false, bodyBytes: 400).usage.outputBytesAfterUsage
        == 0)
  }
}
