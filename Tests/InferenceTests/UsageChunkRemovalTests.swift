import SeededRandom
import Testing

@testable import Inference

@Suite struct UsageChunkRemovalTests {
  /// What the client sees, which is the same however the stream is cut.
  private func seen(_ text: String, marksEnd: Bool = true) -> String {
    let body = Array(text.utf8)
    func outcome(_ cuts: [Int]) -> Metered {
      meter(body, .eventStream, cuts: cuts, removes: true, marksEnd: marksEnd)
    }
    #expect(differingCut(of: body, outcome) == nil)
    let plain = meter(body, .eventStream)
    #expect(outcome([]).usage == plain.usage)
    #expect(plain.client == body)
    return outcome([]).text
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func `the usage chunk goes and every other byte stays`(lineEnd: String) {
    let end = lineEnd + lineEnd
    let first = "data: \(Chunk.content)\(end)"
    let last = "data: [DONE]\(end)"
    let chunk = "data: \(Chunk.usage)\(end)"
    for marksEnd in [true, false] {
      #expect(seen(first + chunk + last, marksEnd: marksEnd) == first + last)
      #expect(seen(chunk + first, marksEnd: marksEnd) == first)
      #expect(seen(first + chunk, marksEnd: marksEnd) == first)
      #expect(seen(chunk + chunk, marksEnd: marksEnd) == "")
      #expect(seen(chunk + lineEnd + chunk + last, marksEnd: marksEnd) == lineEnd + last)
    }
  }

  @Test func `the chunk goes with all the lines of its event, comments before it stay`() {
    #expect(seen("event: x\nid: 7\ndata: \(Chunk.usage)\n\ndata: 1\n\n") == "data: 1\n\n")
    #expect(seen(": ping\n\ndata: \(Chunk.usage)\n\n") == ": ping\n\n")
    #expect(seen(": ping\ndata: \(Chunk.usage)\n\n: pong\n\n") == ": ping\n: pong\n\n")
    #expect(seen("\u{FEFF}data: \(Chunk.usage)\n\n") == "\u{FEFF}")
    #expect(seen("data: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":1}}\n\n") == "")
  }

  @Test(arguments: [
    Chunk.both, Chunk.content, #"{"choices":[],"usage":null}"#,
    #"{"choices":[],"prompt_filter_results":[{}]}"#,
    #"{"choices":[],"usage":{"prompt_tokens":1},"error":{"message":"no"}}"#,
    #"{"choices":[],"usage":{"prompt_tokens":1}"#, #"{"choices":[],"usage":{"prompt_tokens":1}]"#,
    #"{"choices":["x"],"usage":{"prompt_tokens":1}}"#, "[DONE]", "", "x", #"{"usage":3}"#,
    #"{"response":{"usage":{"input_tokens":1}}}"#,
  ])
  func `anything but usage alone stays`(data: String) {
    for text in ["data: \(data)\n\n", "data: \(data)", "data: \(data)\r\n\r\ndata: [DONE]\r\n\r\n"]
    {
      #expect(seen(text) == text)
    }
  }

  @Test func `an unfinished last event stays, a whole one without its empty line goes`() {
    #expect(seen("data: \(Chunk.content)\n\ndata: {\"choices\":[],\"usa").hasSuffix("\"usa"))
    #expect(seen("data: \(Chunk.content)\n\ndata: \(Chunk.usage)").hasSuffix("null}\n\n"))
  }

  @Test func `only an event that may have to go is held back`() {
    func passes(_ piece: String) -> ResponseMeter.Action {
      var meter = ResponseMeter(
        .init(format: .eventStream, status: 200, removesUsageChunk: true, startedMs: 0))
      return meter.consume(Array(piece.utf8).span, nowMs: 0)
    }
    #expect(passes("data: \(Chunk.content)\n\n") == .pass)
    #expect(passes("data: {\"choices\":[{\"index\":0,\"de") == .pass)
    #expect(passes("data: [DO") == .pass)
    #expect(passes(": a comment") == .pass)
    #expect(passes("data: x\n\nd") == .replace(Array("data: x\n\n".utf8)))
    #expect(passes("data: {\"choices\":[") == .replace([]))
  }

  @Test func `no more than 64 KiB are held back`() {
    /// A usage chunk of so many bytes before its empty line's last byte.
    func chunk(_ count: Int) -> [UInt8] {
      let start = Array("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}".utf8)
      return start + [UInt8](repeating: 0x20, count: count - start.count - 2) + Array("}\n".utf8)
    }
    for (count, goes) in [(65_536, true), (65_537, false)] {
      let body = chunk(count) + [0x0A]
      let metered = meter(body, .eventStream, cuts: [count], removes: true)
      #expect(metered.client == (goes ? [] : body))
      #expect(metered.usage.prompt == 1)
      let cuts = Array(stride(from: 61, to: count, by: 61)) + [count]
      #expect(meter(body, .eventStream, cuts: cuts, removes: true) == metered)
      // An event that is complete in one piece is never held back.
      #expect(meter(body, .eventStream, removes: true).client == [])
    }
  }

  @Test func `random damage never traps, and cuts never matter`() {
    var random = SeededRandom(7)
    let parts = [
      "data: ", "data:", "\n", "\r", "\r\n", "\n\n", ":", "event: error", "[DONE]", "{", "}", "[",
      "]",
      "\"", "\\", "\\u00e9", ",", "\"usage\":", "\"choices\":", "\"choices\":[],",
      "\"prompt_tokens\":5",
      "\"completion_tokens\":", "12", "1e9", "-", "null", "é", "\u{FEFF}", Chunk.usage,
      Chunk.content,
      Chunk.both, "\"delta\":", "\"response\":", "\"message\":", "\"type\":\"message_start\"", " ",
      "99999999999999999999", "\"content\":\"x\"", "\u{0}", "{\"usage\":{", "data", "event:",
      "\"logprobs\":", "\"name\":\"x\"", "\"error\":\"x\"", "NaN", "\"function_call\":{\"args\":",
    ]
    for _ in 0..<2500 {
      var body: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<14, using: &random) {
        body += Array(parts.randomElement(using: &random)!.utf8)
      }
      for _ in 0..<Int.random(in: 0..<3, using: &random) where !body.isEmpty {
        let place = Int.random(in: 0..<body.count, using: &random)
        if Bool.random(using: &random) {
          body.remove(at: place)
        } else {
          body[place] = UInt8.random(in: 0...255, using: &random)
        }
      }
      let cuts = (0..<3).map { _ in Int.random(in: 0...body.count, using: &random) }.sorted()
      for format in [ResponseFormat.json, .eventStream, .other, .jsonLines] {
        for removes in [false, true] {
          let whole = meter(body, format, removes: removes)
          #expect(meter(body, format, cuts: cuts, removes: removes) == whole)
          #expect(meter(body, format, cuts: Array(0...body.count), removes: removes) == whole)
          if !removes { #expect(whole.client == body) }
        }
      }
    }
  }
}
