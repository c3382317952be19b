@testable import Inference

/// Tables of bodies.
enum Bodies {
  static let accepted = [
    "{}", " \t\r\n{ \t\r\n} \t\r\n", #"{"":""}"#, #"{"a":{}}"#, #"{"a":[]}"#, #"{"a":[[],{}]}"#,
    #"{"a":1,"a":2}"#, #"{"a":[0,-0,1,-1,10,0.5,-0.0,1e5,1E+5,1e-5,0e0,1.5e300]}"#,
    #"{"a":[true,false,null]}"#, #"{ "a" : [ true , false , null ] , "b" : 1 }"#,
    #"{"a":"\"\\\/\b\f\n\r\t\u0000\uABCD\uabcd"}"#, #"{"a":"\ud83d\ude00"}"#,
    // A lone surrogate is allowed by the grammar.
    #"{"a":"\ud83d","\ude00":"\ud83dx\ud83d\n\ude00\ud83d\ud83d"}"#,
    "{\"a\":\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{FEFF}\u{2028}\"}",
    "{\"é😀\":\"é😀\"}", #"{"mode":1,"modes":2,"nn":3,"":4,"modelſſ":5}"#,
    #"{"model":"x","stream":false,"stream_options":{},"n":1}"#,
  ]

  struct Refusal: Sendable {
    var body: [UInt8]
    var offset: Int
    var reason: BodyProblem.Reason

    init(_ text: String, _ offset: Int, _ reason: BodyProblem.Reason = .syntax) {
      self.init(Array(text.utf8), offset, reason)
    }

    init(_ body: [UInt8], _ offset: Int, _ reason: BodyProblem.Reason) {
      self.body = body
      self.offset = offset
      self.reason = reason
    }
  }

  static let refused: [Refusal] =
    [
      // The end comes too early.
      Refusal("", 0, .truncated), Refusal(" \n", 2, .truncated), Refusal("{", 1, .truncated),
      Refusal(#"{"a"#, 3, .truncated), Refusal(#"{"a":1"#, 6, .truncated),
      Refusal(#"{"a":tru"#, 8, .truncated), Refusal(#"{"a":"\u00"#, 10, .truncated),
      Refusal([0x7B, 0x22, 0xE2, 0x82], 4, .truncated),
      // Not an object, or more than one.
      Refusal("[]", 0, .notAnObject), Refusal("\"a\"", 0, .notAnObject),
      Refusal(" 1", 1, .notAnObject), Refusal("null", 0, .notAnObject),
      Refusal("{}x", 2, .trailingData), Refusal("{} {}", 3, .trailingData),
      Refusal("{},", 2, .trailingData),
      // Marks and encodings.
      Refusal([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], 0, .byteOrderMark),
      Refusal([0xFF, 0xFE, 0x7B, 0x00], 0, .encoding),
      Refusal([0x7B, 0x00, 0x7D, 0x00], 1, .syntax),
      Refusal([0x00, 0x7B], 0, .syntax), Refusal(" \u{FEFF}{}", 1),
      // Structure.
      Refusal("}", 0), Refusal("x", 0), Refusal("{]", 1), Refusal("{,}", 1), Refusal("{1:2}", 1),
      Refusal("{a:1}", 1), Refusal("{'a':1}", 1), Refusal(#"{"a"}"#, 4), Refusal(#"{"a",1}"#, 4),
      Refusal(#"{"a":}"#, 5), Refusal(#"{"a":1,}"#, 7), Refusal(#"{"a":1 "b":2}"#, 7),
      Refusal(#"{"a":[1,]}"#, 8), Refusal(#"{"a":[,1]}"#, 6), Refusal(#"{"a":[1}"#, 7),
      Refusal(#"{"a":[1 2]}"#, 8), Refusal(#"{"a"::1}"#, 5), Refusal("{/**/}", 1),
      Refusal(#"{"a":{}]"#, 7), Refusal("{\u{B}}", 1), Refusal("{\u{A0}}", 1),
      // Literals.
      Refusal(#"{"a":True}"#, 5), Refusal(#"{"a":nul}"#, 8), Refusal(#"{"a":nulL}"#, 8),
      Refusal(#"{"a":truee}"#, 9), Refusal(#"{"a":NaN}"#, 5), Refusal(#"{"a":Infinity}"#, 5),
      Refusal(#"{"a":-Infinity}"#, 6), Refusal(#"{"a":undefined}"#, 5),
      // Numbers.
      Refusal(#"{"a":01}"#, 6), Refusal(#"{"a":-01}"#, 7), Refusal(#"{"a":-}"#, 6),
      Refusal(#"{"a":+1}"#, 5), Refusal(#"{"a":.5}"#, 5), Refusal(#"{"a":1.}"#, 7),
      Refusal(#"{"a":1.e5}"#, 7), Refusal(#"{"a":1e}"#, 7), Refusal(#"{"a":1e+}"#, 8),
      Refusal(#"{"a":1e5.5}"#, 8), Refusal(#"{"a":1.5.5}"#, 8), Refusal(#"{"a":0x10}"#, 6),
      Refusal(#"{"a":1_000}"#, 6), Refusal(#"{"a":--1}"#, 6), Refusal(#"{"a":1f}"#, 6),
      // Strings.
      Refusal("{\"a\":\"\n\"}", 6), Refusal("{\"a\":\"x\u{0}\"}", 7), Refusal("{\"a\u{1F}\":1}", 3),
      Refusal(#"{"a":"\x41"}"#, 7), Refusal(#"{"a":"\'"}"#, 7), Refusal(#"{"a":"\U0041"}"#, 7),
      Refusal(#"{"a":"\u12g4"}"#, 10), Refusal(#"{"a":"\u12"}"#, 10), Refusal(#"{"\a":1}"#, 3),
      Refusal("{\"a\":\"" + String(repeating: "x", count: 100) + "\t\"}", 106),
    ] + brokenSequences

  /// Bytes that are not UTF-8 (RFC 3629, 4), in strings of every role, and the index of the byte at which
  /// that can be seen.
  private static let brokenSequences: [Refusal] = [
    ([0x80], 0), ([0xBF], 0), ([0xC0, 0xAF], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x80, 0xAF], 1),
    ([0xE0, 0x9F, 0xBF], 1), ([0xED, 0xA0, 0x80], 1), ([0xED, 0xBF, 0xBF], 1),
    ([0xF0, 0x80, 0x80, 0xAF], 1), ([0xF0, 0x8F, 0xBF, 0xBF], 1), ([0xF4, 0x90, 0x80, 0x80], 1),
    ([0xF5, 0x80, 0x80, 0x80], 0), ([0xFE], 0), ([0xFF], 0), ([0xC3, 0x28], 1), ([0xC3], 1),
    ([0xE2, 0x82], 2), ([0xE2, 0x28, 0xA1], 1), ([0xF0, 0x9F, 0x98], 3),
    ([0xF0, 0x28, 0x8C, 0xBC], 1),
    ([0xF8, 0x88, 0x80, 0x80, 0x80], 0), ([0xC3, 0xA9, 0x80], 2),
    ([0xE2, 0x82, 0xAC, 0xE2, 0x82], 5),
  ].flatMap { (sequence: [UInt8], shown: Int) in
    [#"{"a":""#, #"{"model":""#, #"{""#, #"{"a":{""#, #"{"a":"\ud800"#].map { opening in
      Refusal(
        Array(opening.utf8) + sequence + Array("\":1}".utf8), opening.utf8.count + shown, .encoding)
    }
  }

  /// Bounds that are wrong or ambiguous, where they count.
  static let badBounds: [(String, BodyProblem)] = [
    ("{\"max_to\u{212A}ens\":1}", .duplicateKey(.maxTokens)),
    (#"{"max_to\u212aens":1}"#, .duplicateKey(.maxTokens)),
    (#"{"max_completion_toKens":1}"#, .duplicateKey(.maxCompletionTokens)),
    (#"{"max_output_tokenſ":1}"#, .duplicateKey(.maxOutputTokens)),
    (#"{"max_tokens":1,"max_tokens":1}"#, .duplicateKey(.maxTokens)),
    (#"{"max_tokens":null,"max_tokens":1}"#, .duplicateKey(.maxTokens)),
    (#"{"max_tokens":[1]}"#, .invalidValue(.maxTokens)),
    (#"{"max_tokens":"1"}"#, .invalidValue(.maxTokens)),
    (#"{"max_tokens":{"max_tokens":1}}"#, .invalidValue(.maxTokens)),
  ]

  static let objectionable: [(String, BodyProblem)] =
    [
      (#"{"model":"a","model":"a"}"#, .duplicateKey(.model)),
      (#"{"model":null,"model":null}"#, .duplicateKey(.model)),
      (#"{"model":"a","mod\u0065l":"b"}"#, .duplicateKey(.model)),
      (#"{"model":"a","\u006dodel":"b"}"#, .duplicateKey(.model)),
      (#"{"n":1,"n":1}"#, .duplicateKey(.n)),
      (#"{"stream_options":{},"stream_options":{}}"#, .duplicateKey(.streamOptions)),
      (
        #"{"stream_options":{"include_usage":true,"include_usage":true}}"#,
        .duplicateKey(.includeUsage)
      ),
      (
        #"{"stream_options":{"Continuous_usage_stats":true}}"#,
        .duplicateKey(.continuousUsageStats)
      ),
      (#"{"stream_options":{"include_u\u017fage":1}}"#, .duplicateKey(.includeUsage)),
      (#"{"Model":"a"}"#, .duplicateKey(.model)), (#"{"MODEL":"a"}"#, .duplicateKey(.model)),
      (#"{"\u004dodel":"a"}"#, .duplicateKey(.model)), (#"{"N":1}"#, .duplicateKey(.n)),
      (#"{"ſtream":true}"#, .duplicateKey(.stream)),
      (#"{"\u017ftream":true}"#, .duplicateKey(.stream)),
      (#"{"beſt_of":1}"#, .duplicateKey(.bestOf)),
      (#"{"stream_optionſ":{}}"#, .duplicateKey(.streamOptions)),
      (#"{"model":"\ud800"}"#, .invalidValue(.model)),
      (#"{"model":"a\udc00b"}"#, .invalidValue(.model)),
      (#"{"model":"a\ud83d\n"}"#, .invalidValue(.model)),
      (#"{"model":""}"#, .invalidValue(.model)), (#"{"model":"a\u0000"}"#, .invalidValue(.model)),
      (#"{"model":"a\n"}"#, .invalidValue(.model)),
      ("{\"model\":\"\u{7F}\"}", .invalidValue(.model)),
      (#"{"model":"\u007f"}"#, .invalidValue(.model)),
      (#"{"stream":"true"}"#, .invalidValue(.stream)), (#"{"stream":1}"#, .invalidValue(.stream)),
      (#"{"stream_options":{"include_usage":"yes"}}"#, .invalidValue(.includeUsage)),
      (#"{"stream_options":{"continuous_usage_stats":1}}"#, .invalidValue(.continuousUsageStats)),
      (#"{"n":"1"}"#, .invalidValue(.n)), (#"{"best_of":true}"#, .invalidValue(.bestOf)),
    ]
    + ["1", "true", "[]", "{}", #"["x"]"#].map {
      ("{\"model\":\($0)}", BodyProblem.invalidValue(.model))
    }
    + ["1", "true", "[]", #""x""#].map {
      ("{\"stream_options\":\($0)}", BodyProblem.invalidValue(.streamOptions))
    }
}
