import Foundation
import Terms
import Testing

@testable import Log

struct LogLineTests {
  private func line(
    _ format: LogFormat, _ message: String, _ fields: [(key: LogKey, value: LogValue)] = [],
    level: LogLevel = .info, colours: Bool = false
  ) -> String {
    String(
      decoding: LogLine(level, .policyReplaced, message, fields, wallNanoseconds: 0)
        .rendered(format, colours: colours), as: UTF8.self)
  }

  private let everyKind: [(key: LogKey, value: LogValue)] = [
    (.policyRevision, .text("3ab4")), (.count, .integer(Int64.min)), (.isComplete, .flag(true)),
    (.durationSeconds, .seconds(.milliseconds(12_034))), (.windowSeconds, .seconds(.seconds(10))),
    (.tenant, .null), (.tenantsAdded, .names(count: 1, ["a"])), (.reason, .text("two words")),
  ]

  @Test func `text is for people: the fields follow the message, unknown ones are left out`() {
    #expect(
      line(.text, "hello there", everyKind)
        == "1970-01-01T00:00:00.000Z info hello there policy_revision=3ab4 "
        + "count=-9223372036854775808 complete=true duration_seconds=12.034 window_seconds=10 "
        + "tenants_added=1[a] reason=\"two words\"\n")
  }

  @Test func `JSON has time, level, event and message first, and every field with its type`() {
    #expect(
      line(.json, "hello there", everyKind)
        == #"{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"policy_replaced","#
        + #""message":"hello there","policy_revision":"3ab4","count":-9223372036854775808,"#
        + #""complete":true,"duration_seconds":12.034,"window_seconds":10,"tenant":null,"#
        + #""tenants_added":{"count":1,"names":["a"]},"reason":"two words"}"# + "\n")
  }

  @Test(arguments: [
    (LogValue.seconds(.zero), "0"), (.seconds(.milliseconds(1)), "0.001"),
    (.seconds(.microseconds(1999)), "0.001"), (.seconds(.seconds(-3)), "0"),
    (.seconds(.milliseconds(1500)), "1.500"),
  ])
  func `durations are seconds, to the millisecond`(value: LogValue, text: String) {
    #expect(line(.text, "m", [(.durationSeconds, value)]).hasSuffix(" duration_seconds=\(text)\n"))
  }

  @Test(arguments: [
    ("word", "word"), ("", "\"\""), ("a b", "\"a b\""), ("a=b", "\"a=b\""),
    ("a\"b", #""a\"b""#), (#"a\b"#, #""a\\b""#), ("a,b", "\"a,b\""), ("[a", "\"[a\""),
    ("a\nb", #""a\u000ab""#), ("é🙂", "é🙂"), ("a\u{a0}b", "\"a\u{a0}b\""),
    ("\u{202e}", #""\u202e""#), ("/v1/chat/completions", "/v1/chat/completions"),
  ])
  func `a value that is not one word is quoted`(value: String, text: String) {
    #expect(line(.text, "m", [(.reason, .text(value))]).hasSuffix("info m reason=\(text)\n"))
  }

  @Test(arguments: Array(0..<256))
  func `every byte of a message stands in one line, and JSON gives it back`(byte: Int) throws {
    // Half of these are no UTF-8 by themselves: such a byte became U+FFFD when it became text.
    let message = "a" + String(decoding: [UInt8(byte)], as: UTF8.self) + "b"
    for format in LogFormat.allCases {
      let written = Array(line(format, message, [(.reason, .text(message))]).utf8)
      #expect(written.last == UInt8(ascii: "\n"))
      let isPlain = written.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7f }
      #expect(isPlain)
    }
    let object = try JSONSerialization.jsonObject(with: Data(line(.json, message).utf8))
    #expect((object as? [String: Any])?["message"] as? String == message)
  }

  @Test(arguments: [
    "\u{80}", "\u{85}", "\u{9f}", "\u{2028}", "\u{2029}", "\u{61c}", "\u{200e}", "\u{200f}",
    "\u{202a}", "\u{202e}", "\u{2066}", "\u{2069}", "\u{feff}",
  ])
  func `what breaks lines or turns text around is escaped, and JSON gives it back`(
    text: String
  ) throws {
    let digits = String(text.unicodeScalars.first!.value, radix: 16)
    let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    for format in LogFormat.allCases {
      let written = line(format, "a\(text)b")
      #expect(written.contains("a\(escape)b"))
    }
    let object = try JSONSerialization.jsonObject(with: Data(line(.json, text).utf8))
    #expect((object as? [String: Any])?["message"] as? String == text)
  }

  @Test func `a text cannot forge a second line`() {
    let forged = "x\n1970-01-01T00:00:00.000Z error all is lost\r\n{\"level\":\"error\"}"
    for format in LogFormat.allCases {
      let written = line(format, forged, [(.reason, .text(forged))])
      #expect(written.utf8.count { $0 == 10 || $0 == 13 } == 1)
    }
  }

  @Test func `a text at the limit is whole, one byte more is cut`() {
    let longest = String(repeating: "x", count: LogLine.textBytesMax)
    for format in LogFormat.allCases {
      #expect(!line(format, longest).contains("…"))
      #expect(line(format, longest + "y").contains("x…"))
      #expect(!line(format, "m", [(.reason, .text(longest))]).contains("…"))
      #expect(line(format, "m", [(.reason, .text(longest + "y"))]).contains("x…"))
    }
  }

  @Test func `a line that is too long leaves fields out and says so`() throws {
    let long = LogValue.text(String(repeating: "x", count: LogLine.textBytesMax))
    let fields = Array(repeating: (key: LogKey.reason, value: long), count: 20)
    let count = LogLine.lineBytesMax / LogLine.textBytesMax
    let text = line(.text, "m", fields)
    #expect(text.hasSuffix(" …\n"))
    #expect(text.split(separator: " ").count { $0.hasPrefix("reason=") } == count)
    let json = line(.json, "m", fields)
    #expect(json.hasSuffix(",\"truncated\":true}\n"))
    #expect(json.utf8.count < LogLine.lineBytesMax + 2 * LogLine.textBytesMax)
  }

  @Test func `names are counted, and the first of them are listed`() {
    let names = (0..<(LogValue.namesMax + 1)).map { "n\($0)" }
    let atIt = line(.json, "m", [(.keysAdded, .names(Array(names.dropLast())))])
    #expect(atIt.contains(#""count":16,"names":["n0","#))
    #expect(atIt.contains(#""n15"]}"#))
    let over = line(.text, "m", [(.keysAdded, .names(names))])
    #expect(over.contains("keys_added=17[n0,"))
    #expect(over.hasSuffix("n15,…]\n"))
    #expect(line(.text, "m", [(.keysAdded, .names(["a,b", "c"]))]).hasSuffix("2[\"a,b\",c]\n"))
  }

  @Test func `only the level is coloured`() {
    #expect(
      line(.text, "m", level: .error, colours: true)
        == "1970-01-01T00:00:00.000Z \u{1b}[31merror\u{1b}[0m m\n")
  }

  @Test func `every event and every field is described in the operators' page`() throws {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    let page = try String(
      contentsOf: folder.appendingPathComponent("envoy/observability/logs.md"), encoding: .utf8)
    for name in LogEvent.allCases.map(\.rawValue) + LogKey.allCases.map(\.rawValue) {
      #expect(page.contains("`\(name)`"), "\(name) is not described")
    }
    // Four keys are every line's own.
    let own: Set<String> = ["time", "level", "event", "message", "truncated"]
    #expect(own.isDisjoint(with: LogKey.allCases.map(\.rawValue)))
  }
}
