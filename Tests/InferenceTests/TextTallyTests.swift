import Testing

@testable import Inference

@Suite struct TextTallyTests {
  /// The text bytes of a body whose only value is the string with this content.
  private func textBytes(_ content: String) throws -> Int {
    let body = Array("{\"a\":\"\(content)\"}".utf8)
    #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil)
    return try scan(body).get().textBytes
  }

  @Test func `text counts as it is after unescaping, in values only`() throws {
    #expect(try textBytes("hello") == 5)
    #expect(try textBytes(#"\n\"\\\u0041"#) == 4)
    #expect(try textBytes(#"\u00e9é\u20ac€\ud83d\ude00😀"#) == 2 + 2 + 3 + 3 + 4 + 4)
    #expect(try textBytes(#"\ud83d"#) == 3)
    #expect(try facts(#"{"key":{"longer key":["ab","c"]},"n":1,"x":true}"#).textBytes == 3)
    #expect(try textBytes(String(repeating: "word ", count: 100)) == 500)
    #expect(try textBytes(String(repeating: "词", count: 100)) == 300)
  }

  @Test func `a data URI does not count, text that only begins like one does`() throws {
    #expect(try textBytes("data:") == 0)
    #expect(try textBytes("data:image/png;base64,aGVsbG8=") == 0)
    #expect(try textBytes(#"d\u0061ta:image\/png;base64,aGVsbG8="#) == 0)
    #expect(try textBytes("data:image/png;base64," + String(repeating: "Zm9v", count: 200)) == 0)
    #expect(try textBytes("data: and then some words") == 25)
    #expect(try textBytes(#"data:a\nb"#) == 8)
    #expect(try textBytes("data:é") == 7)
    #expect(try textBytes("data") == 4)
    #expect(try textBytes("dat:aaaa") == 8)
    #expect(try textBytes("Data:aaaa") == 9)
    #expect(try textBytes("xdata:aaa") == 9)
  }

  @Test func `base64 does not count from 256 bytes on`() throws {
    let run = String(repeating: "aB3+/-_=", count: 32)
    #expect(try textBytes(run) == 0)
    #expect(try textBytes(String(run.dropLast())) == 255)
    #expect(try textBytes(run + "=") == 0)
    #expect(try textBytes(run + " ") == 257)
    #expect(try textBytes(" " + run) == 257)
    #expect(try textBytes(run + "é") == 258)
    #expect(try textBytes(run + #"\/\u0041"#) == 0)
    #expect(try textBytes(run + #"\n"#) == 257)
  }

  @Test func `numbers in arrays are counted, tokens for instance`() throws {
    #expect(try facts(#"{"input":[1,22,-3,4.5,0],"n":7}"#).arrayNumbers == 5)
    #expect(try facts(#"{"input":[[1,2],[3]],"a":{"b":4}}"#).arrayNumbers == 3)
  }
}
