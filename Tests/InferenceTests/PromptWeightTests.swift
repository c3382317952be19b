import Testing

@testable import Inference

/// What the text, the numbers and the media of a prompt weigh.
@Suite struct PromptWeightTests {
  private func weight(_ text: String) throws -> (bytes: Int, tokens: Int) {
    let body = Array(text.utf8)
    if body.count < 4_000 {
      #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil)
    }
    let facts = try scan(body).get()
    return (facts.textBytes, facts.mediaTokens)
  }

  /// The text bytes of a body whose only value is the string with this content.
  private func textBytes(_ content: String) throws -> Int {
    try weight("{\"a\":\"\(content)\"}").bytes
  }

  @Test func `text counts as it is after unescaping`() throws {
    #expect(try textBytes("hello") == 5)
    #expect(try textBytes(#"\n\"\\\u0041"#) == 4)
    #expect(try textBytes(#"\u00e9é\u20ac€\ud83d\ude00😀"#) == 2 + 2 + 3 + 3 + 4 + 4)
    #expect(try textBytes(#"\ud83d"#) == 3)
    #expect(try textBytes(String(repeating: "word ", count: 100)) == 500)
    #expect(try textBytes(String(repeating: "词", count: 100)) == 300)
  }

  @Test func `a text of a list is a token at least, however short it is`() throws {
    let letters = Array(repeating: "\"a\"", count: 500).joined(separator: ",")
    #expect(try weight("{\"input\":[\(letters)]}").bytes == 2_000)
    #expect(try weight("{\"prompt\":[\"\",\"\\u0041\",\"abcde\"]}").bytes == 4 + 4 + 5)
    // A member is no element.
    #expect(try weight("{\"prompt\":\"a\"}").bytes == 1)
  }

  @Test func `text without blanks counts, also where it looks like base64 or a data URI`() throws {
    let words = String(repeating: "word/word/", count: 100)
    #expect(try textBytes(words) == 1000)
    #expect(try textBytes("data:" + words) == 1005)
    #expect(try textBytes("data:image/png;base64," + words) == 1022)
    #expect(try textBytes("iVBORw0KGgo" + words) == 1011)
    let chat = #"{"messages":[{"role":"user","content":"data:image/png;base64,\#(words)"}]}"#
    #expect(try weight(chat).bytes == 1022 + 4)
    let part = #"{"messages":[{"content":[{"type":"text","text":"/9j/\#(words)"}]}]}"#
    #expect(try weight(part).bytes == 1004 + 4)
  }

  @Test func `keys, literals and long numbers count where a tool's schema may have them`() throws {
    let key = String(repeating: "k", count: 300)
    #expect(try weight(#"{"tools":[{"\#(key)":1}]}"#).bytes == 300)
    #expect(try weight(#"{"tools":[{"\u0061\n\#(key)":1}]}"#).bytes == 302)
    #expect(try weight(#"{"tools":[true,null,false]}"#).bytes == 12)
    #expect(try weight(#"{"stream":true,"temperature":0.5,"stop":null}"#).bytes == 0)
    let digits = String(repeating: "1", count: 5000)
    #expect(try weight("{\"tools\":[{\"a\":\(digits)}]}").bytes == 1 + 5000)
    #expect(try weight("{\"tools\":[{\"a\":-\(digits)}]}").bytes == 1 + 5001)
    #expect(try weight(#"{"tools":[12345678901234567890]}"#).bytes == 0)
    #expect(try weight(#"{"tools":[123456789012345678901]}"#).bytes == 21)
    #expect(try weight(#"{"messages":[{"role":"user","content":"Hi"}]}"#).bytes == 6)
  }

  private static let png = "iVBORw0KGgo" + String(repeating: "AAAA", count: 300)
  private static let sound = String(repeating: "UklG", count: 1000)
  private static let pdf = "JVBERi0" + String(repeating: "A", count: 12_793)

  /// Places where pictures are, with the form that they have there.
  static let pictures: [String] = [
    #"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"image_url":{"detail":"low","url":"data:image\/png;base64,\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"type":"image_url","image_url":"data:image/webp;base64,\#(png)"}]}]}"#,
    #"{"messages":[{"content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"type":"image","source":{"data":"\#(png)","type":"base64"}}]}]}"#,
    #"{"messages":[{"content":[{"type":"tool_result","content":[{"source":{"data":"\#(png)","type":"base64"}}]}]}]}"#,
    #"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/gif;base64,\#(png)"}]}]}"#,
    #"{"input":[{"type":"computer_call_output","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,\#(png)"}}]}"#,
    #"{"input":[{"type":"function_call_output","output":[{"image_url":"data:image/png;base64,\#(png)"}]}]}"#,
    #"{"input":[{"type":"image_url","image_url":{"url":"data:image/png;base64,\#(png)"}}]}"#,
    #"{"input":[{"type":"image_generation_call","id":"ig_1","result":"\#(png)"}]}"#,
  ]

  @Test(arguments: pictures)
  func `a picture counts as one, whatever its bytes`(body: String) throws {
    let weight = try weight(body)
    #expect(weight.tokens == MediaReading.pictureTokens)
    #expect(weight.bytes < 60)
  }

  @Test func `sound counts by its bytes, a file by less than text`() throws {
    let sound = try weight(
      #"{"messages":[{"content":[{"input_audio":{"data":"\#(Self.sound)","format":"wav"}}]}]}"#)
    #expect(sound.tokens == 3000 / 400 + 1 && sound.bytes == 3)
    let video = try weight(
      #"{"messages":[{"content":[{"video_url":{"url":"data:video/mp4;base64,\#(Self.sound)"}}]}]}"#)
    #expect(video.tokens == 3015 / 400 + 1)
    for body in [
      #"{"messages":[{"content":[{"file":{"file_data":"data:application/pdf;base64,\#(Self.pdf)"}}]}]}"#,
      #"{"input":[{"content":[{"type":"input_file","file_data":"\#(Self.pdf)"}]}]}"#,
      #"{"messages":[{"content":[{"source":{"type":"base64","data":"\#(Self.pdf)"}}]}]}"#,
    ] {
      #expect((300...301).contains(try weight(body).tokens))
    }
  }

  @Test func `what is fetched from elsewhere counts as a picture and as its text`() throws {
    let weight = try weight(
      #"{"messages":[{"content":[{"image_url":{"url":"https://example.com/a.png"}}]}]}"#)
    #expect(weight.tokens == MediaReading.pictureTokens && weight.bytes == 25)
  }

  /// Text that stands elsewhere, or is no picture.
  static let disguises: [String] = [
    #"{"tools":[{"image_url":{"url":"data:image/png;base64,\#(png)"}}]}"#,
    #"{"tools":[{"messages":[{"content":[{"image_url":"data:image/png;base64,\#(png)"}]}]}]}"#,
    #"{"messages":[{"content":"data:image/png;base64,\#(png)"}]}"#,
    #"{"messages":[{"image_url":{"url":"data:image/png;base64,\#(png)"}}]}"#,
    #"{"messages":[{"content":[{"type":"text","text":"data:image/png;base64,\#(png)"}]}]}"#,
    #"{"messages":[{"content":[{"image_url":{"url":"data:text/plain;base64,\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"image_url":{"url":"data:image/png,\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"image_url":{"url":"word\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"Image_url":{"url":"data:image/png;base64,\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"source":{"type":"text","data":"\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"source":{"data":"\#(png)"}}]}]}"#,
    #"{"messages":[{"content":[{"source":{"type":"base64","data":"\#(png)","type":"text"}}]}]}"#,
    #"{"prompt":"iVBORw0KGgo\#(png)"}"#,
    #"{"input":["data:image/png;base64,\#(png)"]}"#,
  ]

  @Test(arguments: disguises)
  func `what no server takes for a picture weighs its bytes`(body: String) throws {
    let weight = try weight(body)
    #expect(weight.tokens == 0)
    #expect(weight.bytes >= Self.png.utf8.count)
  }

  @Test func `numbers in arrays are counted, tokens for instance`() throws {
    #expect(try facts(#"{"input":[1,22,-3,4.5,0],"n":7}"#).arrayNumbers == 5)
    #expect(try facts(#"{"input":[[1,2],[3]],"a":{"b":4}}"#).arrayNumbers == 3)
  }
}
