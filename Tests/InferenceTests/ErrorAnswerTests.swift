import Terms
import Testing

@testable import Inference

/// Answers with a status of 200 that are errors, or turn into one; and answers that come before the work.
@Suite struct ErrorAnswerTests {
  private static let error = #"{"error":{"object":"error","message":"no images","code":400}}"#

  @Test(arguments: [
    "data: \(error)\n\ndata: [DONE]\n\n", "data: \(error)\n\n", ": ping\n\ndata: \(error)\n\n",
    "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{}}\n\n",
    "event: error\ndata: {\"message\":\"no\"}\n\n", "data: {\"type\":\"error\",\"code\":\"x\"}\n\n",
    "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"usage\":null}}\n\n",
    "data: {\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\"}}\n\n"
      + "data: {\"type\":\"response.in_progress\",\"response\":{}}\n\n"
      + "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"x\"}}}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
    "data: {\"choices\":[{\"error\":{\"code\":502}}]}\n\n",
    "data: {\"object\":\"error\",\"message\":\"no\"}\n\n", "data: {\"error\":\"no\"}\n\n",
    "data: {\"error\":true}\n\n",
    "data: {\"error\":\"no\",\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}\n\n",
    error, #"{"type":"error","error":{"type":"overloaded_error"}}"#, #"{"error":"no"}"#,
    #"{"object":"error","message":"no","code":400}"#, #"{"message":"no","object":"error"}"#,
    #"{"object":"response","status":"failed","error":{"code":"server_error"},"output":[],"usage":null}"#,
    #"{"object":"response","status":"failed","error":null,"output":[]}"#,
    #"{"message":"no","type":"BadRequestError","param":null,"code":400}"#,
    "data: {\"message\":\"no\",\"type\":\"server_error\",\"code\":503}\n\n",
    "data: {\"x_groq\":{\"error\":\"over capacity\"},\"choices\":[]}\n\n",
  ])
  func `an answer that is an error from its beginning is charged nothing`(text: String) {
    let body = Array(text.utf8)
    let format: ResponseFormat = text.hasPrefix("{") ? .json : .eventStream
    for cleanly in [true, false] {
      let usage = meter(body, format, cleanly: cleanly).usage
      #expect(usage.source == .none)
      #expect(usage.sawError)
      #expect(usage.prompt == nil)
      #expect(usage.completion == nil)
      #expect(usage.unread == nil)
    }
    #expect(differingCut(of: body) { meter(body, format, cuts: $0) } == nil)
  }

  @Test(arguments: [
    "data: \(Chunk.content)\n\ndata: \(error)\n\ndata: [DONE]\n\n",
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: \(error)\n\n",
    "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n"
      + "event: error\ndata: {\"type\":\"error\",\"error\":{}}\n\n",
    "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n"
      + "data: {\"type\":\"response.failed\",\"response\":{\"error\":null}}\n\n",
    #"{"choices":[{"message":{"content":"Hi"},"finish_reason":"error"}],"error":{"code":502}}"#,
  ])
  func `an answer that turns into an error is estimated`(text: String) {
    let body = Array(text.utf8)
    let usage = meter(body, text.hasPrefix("{") ? .json : .eventStream).usage
    #expect(usage.source == .estimated)
    #expect(usage.sawError)
  }

  @Test func `an error with usage is charged as reported`() {
    let text =
      #"data: {"type":"response.failed","response":{"error":{},"usage":{"input_tokens":9,"output_tokens":2}}}"#
    let usage = meter(Array((text + "\n\n").utf8), .eventStream).usage
    #expect(usage.source == .reported)
    #expect(usage.sawError)
  }

  @Test(arguments: [
    #"{"error":null}"#, #"{"error":false}"#, #"{"error":""}"#, #"{"error":0}"#,
    #"{"object":"errors"}"#, #"{"object":"chat.completion"}"#, #"{"x":{"error":{}}}"#,
    #"{"status":"failing"}"#, "{}",
  ])
  func `what is no error is none`(text: String) {
    for format in [ResponseFormat.json, .eventStream] {
      let body = format == .json ? Array(text.utf8) : events(text)
      let usage = meter(body, format).usage
      #expect(!usage.sawError)
      #expect(usage.source == .estimated)
      #expect(differingCut(of: body) { meter(body, format, cuts: $0) } == nil)
    }
  }

  @Test func `an answer that comes before the work says so`() {
    func usage(_ text: String) -> MeteredUsage { meter(Array(text.utf8), .json).usage }
    for status in ["queued", "in_progress"] {
      let pending = usage(#"{"status":"\#(status)","error":null,"output":[],"usage":null}"#)
      #expect(pending.isPending)
      #expect(pending.source == .estimated)
      #expect(pending.unread == nil)
      let counted = usage(#"{"status":"\#(status)","usage":{"input_tokens":1,"output_tokens":2}}"#)
      #expect(!counted.isPending)
      #expect(counted.source == .reported)
    }
    for other in [
      #"{"status":"completed"}"#, #"{"status":"incomplete"}"#, #"{"x":{"status":"queued"}}"#,
    ] {
      #expect(!usage(other).isPending)
    }
    let stream = events(#"{"type":"response.created","response":{"status":"in_progress"}}"#)
    #expect(!meter(stream, .eventStream).usage.isPending)
  }
}
