import SeededRandom
import Terms
import Testing

@testable import Inference

@Suite struct RequestScannerTests {
  @Test func `a chat request yields its facts with their places`() throws {
    let text =
      #" {"messages":[{"role":"user","content":"Hi"}], "model" : "gpt-4o","stream":true, "#
      + #""stream_options":{"a":1,"include_usage":false},"max_tokens":100,"n":2,"best_of":3}"#
    let found = try facts(text)
    let bytes = Array(text.utf8)
    func written(_ range: Range<Int>?) -> String {
      String(decoding: bytes[range ?? 0..<0], as: UTF8.self)
    }
    #expect(found.model == Array("gpt-4o".utf8))
    #expect(written(found.modelRange) == #""gpt-4o""#)
    #expect(found.stream == true)
    #expect(written(found.streamRange) == "true")
    #expect(written(found.streamOptionsRange) == #"{"a":1,"include_usage":false}"#)
    #expect(found.streamOptionsIsObject && !found.streamOptionsIsEmpty)
    #expect(found.includeUsage == false)
    #expect(written(found.includeUsageRange) == "false")
    #expect(found.continuousUsageStats == nil)
    #expect(try found.statedBound(in: [.maxTokens]) == 100)
    #expect(found.n == 2)
    #expect(found.bestOf == 3)
    #expect(found.textBytes == 12)
    #expect(found.firstMemberOffset == 2)
    #expect(found.hasMembers)
    #expect(found.byteCount == bytes.count)
  }

  @Test(arguments: Bodies.accepted)
  func `what RFC 8259 allows is accepted, however it is cut`(text: String) throws {
    let body = Array(text.utf8)
    _ = try scan(body).get()
    #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil)
  }

  @Test(arguments: Bodies.refused)
  func `what is not such an object is refused at its place, however it is cut`(
    refusal: Bodies.Refusal
  ) {
    #expect(
      scan(refusal.body) == .failure(.invalidJSON(offset: refusal.offset, reason: refusal.reason)))
    #expect(differingCut(count: refusal.body.count) { scan(refusal.body, cuts: $0) } == nil)
  }

  @Test(arguments: Bodies.objectionable)
  func `members that are wrong or ambiguous are refused, however the body is cut`(
    text: String, problem: BodyProblem
  ) {
    let body = Array(text.utf8)
    #expect(scan(body) == .failure(problem))
    #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil)
  }

  @Test(arguments: Bodies.badBounds)
  func `a bound that is wrong or ambiguous is refused where it counts`(
    text: String, problem: BodyProblem
  ) throws {
    let body = Array(text.utf8)
    #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil)
    let found = try scan(body).get()
    #expect(throws: problem) {
      try found.statedBound(in: [.maxTokens, .maxCompletionTokens, .maxOutputTokens])
    }
    #expect(try found.statedBound(in: [.nPredict]) == nil)
  }

  @Test func `the first problem decides, but not before a body that is not JSON`() {
    let twice = #"{"n":0,"model":1,"model":2}"#
    #expect(scan(twice) == .failure(.invalidValue(.n)))
    #expect(scan(#"{"model":"a","model":2,"n":0}"#) == .failure(.duplicateKey(.model)))
    #expect(
      scan(twice + "x") == .failure(.invalidJSON(offset: 27, reason: .trailingData)))
    #expect(scan(#"{"n":0,"#) == .failure(.invalidJSON(offset: 7, reason: .truncated)))
  }

  @Test func `null means absent`() throws {
    let found = try facts(
      #"{"model":null,"stream":null,"stream_options":null,"max_tokens":null,"n":null,"best_of":null}"#
    )
    #expect(found.model == nil && found.stream == nil)
    #expect(try found.statedBound(in: BoundField.allCases) == nil)
    #expect(found.n == nil && found.bestOf == nil && !found.streamOptionsIsObject)
    #expect(found.modelRange == 9..<13)
    #expect(found.streamOptionsRange == 45..<49)
    let inner = try facts(#"{"stream_options":{"include_usage":null}}"#)
    #expect(inner.includeUsage == nil && inner.includeUsageRange == 35..<39)
  }

  @Test func `only members of the top level and of stream_options count`() throws {
    let found = try facts(
      #"{"a":{"model":1,"n":0,"Model":2},"b":[{"stream":3}],"include_usage":4,"#
        + #""stream_options":{"model":5,"x":{"include_usage":6}},"model":"m"}"#)
    #expect(found.model == Array("m".utf8))
    #expect(found.includeUsage == nil && found.stream == nil && found.n == nil)
  }

  @Test func `a name is unescaped`() throws {
    let found = try facts(#"{"mod\u0065l":"a\/\u00e9\ud83d\ude00\"é"}"#)
    #expect(found.model == Array("a/é😀\"é".utf8))
  }

  @Test(arguments: [
    ("1", 1), ("100", 100), ("100.0", 100), ("1e2", 100), ("1E+2", 100), ("10000e-2", 100),
    ("0.1e1", 1), ("2147483648", 1 << 31), ("2147483648.000", 1 << 31), ("21474836480e-1", 1 << 31),
    ("0.0000000000000000000000000000001e31", 1), ("10000000000000000000000000000000e-31", 1),
  ])
  func `an integer may be written in any way`(number: String, value: Int) throws {
    #expect(try facts("{\"max_tokens\":\(number)}").statedBound(in: [.maxTokens]) == value)
  }

  @Test(arguments: [
    "0", "-0", "0.0", "0e5", "-1", "-100", "1.5", "0.5", "1e-1", "2147483649", "2147483648.5",
    "1e10", "1e400", "1e-400", "99999999999999999999999999", "1e99999999999999999999999999",
    "1e-99999999999999999999999999", "18446744073709551617", "4294967297",
    "9999999999e9", "9999999999000000000", "9.999999999e18", "9999999999", "9e18", "9e9", "99e8",
  ])
  func `a bound that is no integer from 1 to two to the 31st is refused`(number: String) {
    for key in [InspectedKey.n, .bestOf] {
      #expect(scan("{\"\(key.name)\":\(number)}") == .failure(.invalidValue(key)))
    }
    for field in BoundField.allCases {
      #expect(throws: BodyProblem.invalidValue(field.key)) {
        try facts("{\"\(field.rawValue)\":\(number)}").statedBound(in: [field])
      }
    }
  }

  @Test func `there are at most 128 choices`() throws {
    #expect(try facts(#"{"n":128,"best_of":128}"#).n == 128)
    #expect(scan(#"{"n":129}"#) == .failure(.invalidValue(.n)))
    #expect(scan(#"{"best_of":129}"#) == .failure(.invalidValue(.bestOf)))
  }

  @Test func `containers may be 256 deep`() throws {
    func nested(_ depth: Int) -> String {
      #"{"a":"# + String(repeating: "[", count: depth - 1)
        + String(repeating: "]", count: depth - 1) + "}"
    }
    #expect(try facts(nested(256)).byteCount == 516)
    #expect(scan(nested(257)) == .failure(.invalidJSON(offset: 260, reason: .depth)))
    var limits = RequestScanner.Limits()
    limits.depthMax = 2
    _ = try scan(Array(#"{"a":[1]}"#.utf8), limits: limits).get()
    #expect(
      scan(Array(#"{"a":[{}]}"#.utf8), limits: limits)
        == .failure(.invalidJSON(offset: 6, reason: .depth)))
  }

  @Test func `containers are closed by their own bracket at every depth`() {
    for depth in [1, 62, 63, 64, 65, 127, 128, 129, 254] {
      let opened = String(repeating: #"[{"a":"#, count: depth / 2)
      let closed = String(repeating: "}]", count: depth / 2)
      #expect(throws: Never.self) { try facts(#"{"a":"# + opened + "1" + closed + "}") }
      let wrong = scan(#"{"a":"# + opened + "1]")
      #expect(
        wrong == .failure(.invalidJSON(offset: opened.utf8.count + 6, reason: .syntax)))
    }
  }

  @Test func `a model's name may have 256 bytes`() throws {
    for name in [String(repeating: "m", count: 256), String(repeating: "é", count: 128)] {
      #expect(try facts("{\"model\":\"\(name)\"}").model == Array(name.utf8))
      for more in ["m", "\\u006d"] {
        #expect(scan("{\"model\":\"\(name)\(more)\"}") == .failure(.invalidValue(.model)))
      }
    }
    var limits = RequestScanner.Limits()
    limits.modelBytesMax = 3
    _ = try scan(Array(#"{"model":"abc"}"#.utf8), limits: limits).get()
    #expect(
      scan(Array(#"{"model":"abcd"}"#.utf8), limits: limits) == .failure(.invalidValue(.model)))
  }

  @Test func `a long body gives the same result in random pieces`() throws {
    var random = SeededRandom(42)
    let words = [
      "Hello ", "\\n", "Übermut ", "\\u00e9", "世界", "\\ud83d\\ude00", "😀", "data:", "\\\"",
    ]
    for _ in 0..<50 {
      var text = #"{"model":"m","messages":["#
      for _ in 0..<20 {
        text += "\"" + (0..<30).map { _ in words.randomElement(using: &random)! }.joined() + "\","
      }
      let body = Array((text + "-1.5e+3,null],\"max_tokens\":1e2 }").utf8)
      let whole = scan(body)
      _ = try whole.get()
      for _ in 0..<20 {
        let cuts = (0..<8).map { _ in Int.random(in: 0...body.count, using: &random) }.sorted()
        #expect(scan(body, cuts: cuts) == whole)
      }
    }
  }

  @Test func `damaged bodies never differ by how they are cut`() {
    var random = SeededRandom(7)
    let source = Array(
      #"{"model":"mé\u00e9","n":1.0,"stream_options":{"include_usage":true},"a":[-1e5,"x"]}"#.utf8)
    for _ in 0..<400 {
      var body = source
      body[Int.random(in: body.indices, using: &random)] = .random(in: 0...255, using: &random)
      #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil)
    }
  }
}
