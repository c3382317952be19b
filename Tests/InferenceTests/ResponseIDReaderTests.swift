import SeededRandom
import Testing

@testable import Inference

/// The ids by which an answer can be continued, wherever its body is cut.
@Suite struct ResponseIDReaderTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let what: String
    var format = ResponseFormat.json
    let body: String
    let ids: Set<String>
    var testDescription: String { what }
  }

  private static func stream(_ events: String...) -> String {
    events.map { "event: x\ndata: \($0)\n\n" }.joined()
  }

  static let rows: [Row] = [
    Row(what: "a body", body: #"{"id":"resp_1","object":"response"}"#, ids: ["resp_1"]),
    Row(
      what: "a body with everything",
      body: #"""
        { "object" : "response", "metadata": {"id": "no", "output": [{"id": "no"}]}, "usage": {"id": 3},
          "conversation" : { "x": [1, "]"], "id": "conv_1" }, "previous_response_id": "resp_0",
          "output": [ {"type": "message", "id": "msg_1", "content": [{"id": "no", "text": "\"id\":\"no\""}]},
            {"id":"rs_1","summary":[]}, "no", 7, ["no"], null ], "id" : "resp_1", "n": -1.5e3 }
        """#, ids: ["resp_1", "conv_1", "msg_1", "rs_1"]),
    Row(
      what: "a conversation that is a text",
      body: #"{"conversation":"conv_1","id":null,"output":null}"#, ids: ["conv_1"]),
    Row(
      what: "a body that says it is a stream", format: .eventStream, body: #" {"id":"resp_1"}"#,
      ids: ["resp_1"]),
    Row(
      what: "a stream that says it is a body", format: .other,
      body: stream(#"{"response":{"id":"resp_1"}}"#), ids: ["resp_1"]),
    Row(what: "an error", body: #"{"error":{"id":"no","message":"m"}}"#, ids: []),
    Row(what: "an id that is no text", body: #"{"id":17,"output":{"id":"no"}}"#, ids: []),
    Row(
      what: "an empty id, and one with an escape", body: #"{"id":"","conversation":"a\u0062"}"#,
      ids: []),
    Row(
      what: "an id of 512 bytes",
      body: #"{"id":"\#(String(repeating: "a", count: 512))"}"#,
      ids: [String(repeating: "a", count: 512)]),
    Row(
      what: "an id of 513 bytes", body: #"{"id":"\#(String(repeating: "a", count: 513))"}"#, ids: []
    ),
    Row(what: "a list", body: #"[{"id":"no"}]"#, ids: []),
    Row(what: "no JSON", body: #"id: "no""#, ids: []),
    Row(what: "nothing behind the end", body: #"{"id":"resp_1"}{"id":"no"}"#, ids: ["resp_1"]),
    Row(
      what: "a stream", format: .eventStream,
      body: stream(
        #"{"type":"response.created","response":{"id":"resp_1","conversation":{"id":"conv_1"}}}"#,
        #"{"type":"response.output_item.added","item":{"id":"msg_1","content":[]}}"#,
        #"{"type":"response.output_text.delta","item_id":"no","delta":"\"id\": \"no\""}"#,
        #"{"type":"response.completed","response":{"id":"resp_1","output":[{"id":"msg_2"}]}}"#,
        "[DONE]"), ids: ["resp_1", "conv_1", "msg_1", "msg_2"]),
    Row(
      what: "a stream with a top-level id that is none", format: .eventStream,
      body: stream(#"{"id":"no","response":{"id":"resp_1"}}"#), ids: ["resp_1"]),
    Row(
      what: "a stream after rubbish", format: .eventStream,
      body:
        "\u{FEFF}data: {\"response\":\ndata: {\"id\":\"resp_1\"}}\n\n: c\n\ndata:{\"response\":\n\n"
        + "id: 1\nretry: 2\ndata:{\"response\":{\"id\":\"resp_2\"}}\n\n", ids: ["resp_1", "resp_2"]),
    Row(
      what: "other line ends", format: .eventStream,
      body: "data: {\"response\":\r\ndata: {\"id\":\"resp_1\"}}\r\n\r\ndata: {\"response\":\r"
        + "data: {\"id\":\"resp_2\"}}\r\r", ids: ["resp_1", "resp_2"]),
  ]

  @Test(arguments: rows)
  func `ids are found wherever the body is cut`(row: Row) throws {
    let bytes = Array(row.body.utf8)
    for cut in 0...bytes.count {
      var reader = try #require(ResponseIDReader(row.format))
      var found: [[UInt8]] = []
      reader.read(bytes.span.extracting(0..<cut))
      found += reader.takeIDs()
      reader.read(bytes.span.extracting(cut..<bytes.count))
      found += reader.takeIDs()
      #expect(Set(found.map { String(decoding: $0, as: UTF8.self) }) == row.ids, "cut at \(cut)")
    }
    var reader = try #require(ResponseIDReader(row.format))
    for index in bytes.indices { reader.read(bytes.span.extracting(index..<index + 1)) }
    #expect(Set(reader.takeIDs().map { String(decoding: $0, as: UTF8.self) }) == row.ids)
  }

  @Test func `of one answer a bounded number of ids is found`() throws {
    let items = (0..<2000).map { #"{"id":"msg_\#($0)"}"# }.joined(separator: ",")
    var reader = try #require(ResponseIDReader(.json))
    reader.read(Array(#"{"id":"resp_1","output":[\#(items)]}"#.utf8).span)
    reader.read(Array(#"{"id":"resp_2"}"#.utf8).span)
    #expect(reader.takeIDs().count == ResponseIDReader.idsMax)
    reader.read(Array(#"{"id":"resp_3"}"#.utf8).span)
    #expect(reader.takeIDs().isEmpty)
    #expect(ResponseIDReader(.media) == nil && ResponseIDReader(.encoded) == nil)
  }

  @Test func `no bytes make it trap`() throws {
    var random = SeededRandom(11)
    let alphabet = Array(#"{}[]",:\ue0 \#n\#rdata: idresponsecoverutemx[DONE]é"#.utf8)
    for _ in 0..<3000 {
      for format in [ResponseFormat.json, .eventStream] {
        var reader = try #require(ResponseIDReader(format))
        let bytes = (0..<60).map { _ in alphabet.randomElement(using: &random)! }
        reader.read(bytes.span)
        _ = reader.takeIDs()
      }
    }
  }
}
