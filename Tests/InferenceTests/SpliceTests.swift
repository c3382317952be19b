import Testing

@testable import Inference

@Suite struct SpliceTests {
  private func renamed(_ text: String, _ name: String) throws -> String? {
    let body = Array(text.utf8)
    let splice = try scan(body).get().splice(model: Array(name.utf8), multipart: false)
    return splice.map { String(decoding: [$0].applied(to: body), as: UTF8.self) }
  }

  @Test func `the model's value is replaced and nothing else`() throws {
    #expect(
      try renamed(#"{ "model" : "a" , "b":[1]}"#, "long-er") == #"{ "model" : "long-er" , "b":[1]}"#
    )
    #expect(try renamed(#"{"mod\u0065l":"\u0061"}"#, "b") == #"{"mod\u0065l":"b"}"#)
    #expect(try renamed(#"{"model":null}"#, "b") == #"{"model":"b"}"#)
    #expect(try renamed(#"{"a":"model"}"#, "b") == nil)
  }

  @Test func `a name is escaped where JSON needs it`() throws {
    let name = "a\"b\\c\u{1}\u{1F}é/"
    let text = try #require(try renamed(#"{"model":"x"}"#, name))
    #expect(text == #"{"model":"a\"b\\c\u0001\u001fé/"}"#)
    #expect(try renamed(#"{"model":"x"}"#, "a\u{7f}") == #"{"model":"a\u007f"}"#)
    let facts = try facts(#"{"model":"x"}"#)
    #expect(facts.splice(model: Array(name.utf8), multipart: true)?.replacement == Array(name.utf8))
  }

  @Test(arguments: [
    (#"{}"#, #"{"stream_options":{"include_usage":true}}"#),
    (#" { } "#, #" {"stream_options":{"include_usage":true} } "#),
    (#"{"a":1}"#, #"{"stream_options":{"include_usage":true},"a":1}"#),
    (#"{"a":1,"stream_options": null }"#, #"{"a":1,"stream_options": {"include_usage":true} }"#),
    (#"{"stream_options":{}}"#, #"{"stream_options":{"include_usage":true}}"#),
    (#"{"stream_options":{ }}"#, #"{"stream_options":{"include_usage":true }}"#),
    (#"{"stream_options":{"a":{}}}"#, #"{"stream_options":{"include_usage":true,"a":{}}}"#),
    (#"{"stream_options":{"include_usage":false}}"#, #"{"stream_options":{"include_usage":true}}"#),
    (
      #"{"stream_options":{"a":1, "include_us\u0061ge" : null }}"#,
      #"{"stream_options":{"a":1, "include_us\u0061ge" : true }}"#
    ),
    (#"{"stream_options":{"include_usage":true}}"#, #"{"stream_options":{"include_usage":true}}"#),
    (
      #"{"stream_options":{"continuous_usage_stats":false}}"#,
      #"{"stream_options":{"include_usage":true,"continuous_usage_stats":false}}"#
    ),
  ])
  func `usage is asked for whatever stream_options holds`(text: String, expected: String) throws {
    let body = Array(text.utf8)
    let splices = try scan(body).get().splice(usage: true, continuous: false)
    let result = splices.applied(to: body)
    #expect(String(decoding: result, as: UTF8.self) == expected)
    #expect(result.count == body.count + splices.byteCountChange)
    let asked = try scan(result).get()
    #expect(asked.includeUsage == true && asked.streamOptionsIsObject)
    #expect(asked.splice(usage: true, continuous: false).isEmpty)
  }

  @Test(arguments: [
    (
      #"{"a":1}"#, #"{"stream_options":{"include_usage":true,"continuous_usage_stats":true},"a":1}"#
    ),
    (
      #"{"stream_options":{"include_usage":false}}"#,
      #"{"stream_options":{"continuous_usage_stats":true,"include_usage":true}}"#
    ),
    (
      #"{"stream_options":{"continuous_usage_stats":null,"a":[],"include_usage":false}}"#,
      #"{"stream_options":{"continuous_usage_stats":true,"a":[],"include_usage":true}}"#
    ),
    (
      #"{"stream_options":{"continuous_usage_stats":false}}"#,
      #"{"stream_options":{"include_usage":true,"continuous_usage_stats":true}}"#
    ),
  ])
  func `continuous usage is asked for as well`(text: String, expected: String) throws {
    let body = Array(text.utf8)
    let splices = try scan(body).get().splice(usage: true, continuous: true)
    #expect(String(decoding: splices.applied(to: body), as: UTF8.self) == expected)
    let asked = try scan(splices.applied(to: body)).get()
    #expect(asked.includeUsage == true && asked.continuousUsageStats == true)
  }

  @Test func `nothing changes when nothing is asked for`() throws {
    let facts = try facts(#"{"stream_options":{"include_usage":false}}"#)
    #expect(facts.splice(usage: false, continuous: false).isEmpty)
  }
}
