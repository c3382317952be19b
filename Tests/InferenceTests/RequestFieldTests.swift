import Terms
import Testing

@testable import Inference

/// Prompts, bounds, guarded members, and what is continued.
@Suite struct RequestFieldTests {
  private func found(_ text: String) throws -> RequestFacts {
    let body = Array(text.utf8)
    #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil, "\(text)")
    return try scan(body).get()
  }

  // MARK: Prompts

  @Test(arguments: [
    (#""a""#, 0), ("[]", 0), (#"["a"]"#, 1), (#"["a","b","c"]"#, 3), ("[1,2,3]", 1),
    ("[[1,2],[3]]", 2),
    ("[[],[]]", 2), (#"["a",[1,2],"b"]"#, 3), (#"[1,"a",2]"#, 2), (#"[[[1]],{"a":[1,2]},3]"#, 3),
    ("[ 1 , 2 ]", 1), ("[-1.5e3]", 1), ("[null,true]", 2), ("null", 0), (#"{"a":["b","c"]}"#, 0),
  ])
  func `each text or list of numbers is a prompt`(prompt: String, count: Int) throws {
    #expect(try found("{\"prompt\":\(prompt),\"x\":[1,2,\"y\"]}").prompts == count)
    #expect(try found("{\"extra_body\":{\"prompt_embeds\":\(prompt)}}").prompts == count)
    #expect(try found("{\"prompts\":\(prompt),\"a\":{\"prompt\":\(prompt)}}").prompts == 0)
  }

  @Test func `lists of prompts are summed`() throws {
    #expect(try found(#"{"prompt":["a","b"],"prompt_embeds":["c"],"Prompt":["d"]}"#).prompts == 4)
  }

  // MARK: Bounds

  private static let chat: [BoundField] = [.maxTokens, .maxCompletionTokens]

  @Test func `only the fields that count state a bound, the larger one`() throws {
    let facts = try found(#"{"max_tokens":10,"max_completion_tokens":30,"max_output_tokens":20}"#)
    #expect(try facts.statedBound(in: Self.chat) == 30)
    #expect(try facts.statedBound(in: [.maxTokens]) == 10)
    #expect(try facts.statedBound(in: [.maxOutputTokens]) == 20)
    #expect(try facts.statedBound(in: [.nPredict]) == nil)
    #expect(facts.raisedBound(beside: Self.chat, unreadable: 5) == 20)
    #expect(facts.raisedBound(beside: [.maxOutputTokens], unreadable: 5) == 30)
  }

  @Test(arguments: [
    "n_predict", "max_new_tokens", "max_length", "min_tokens", "min_new_tokens", "num_predict",
    "max_tokens_to_sample", "max_output_tokens",
  ])
  func `another server's field can only raise, and is never refused`(field: String) throws {
    func raised(_ value: String) throws -> Int? {
      let facts = try found("{\"max_tokens\":10,\"\(field)\":\(value)}")
      #expect(try facts.statedBound(in: Self.chat) == 10)
      return facts.raisedBound(beside: Self.chat, unreadable: 4096)
    }
    #expect(try raised("500") == 500)
    #expect(try raised("5e2") == 500)
    for none in ["0", "-1", "-5", "-0.5", "0.0", "null"] { #expect(try raised(none) == nil) }
    for unknown in ["\"500\"", "1.5", "1e99", "[1]", "{\"a\":1}", "true"] {
      #expect(try raised(unknown) == 4096)
    }
    let twice = try found("{\"\(field)\":7,\"\(field)\":9,\"\(field.uppercased())\":8}")
    #expect(twice.raisedBound(beside: Self.chat, unreadable: 1) == 9)
  }

  @Test func `bounds and choices beside the top level can only raise`() throws {
    let facts = try found(
      #"{"extra_body":{"max_tokens":700,"n":9,"parameters":{"max_new_tokens":800,"best_of":"x"}}}"#)
    #expect(try facts.statedBound(in: Self.chat) == nil)
    #expect(facts.raisedBound(beside: Self.chat, unreadable: 1) == 800)
    #expect(facts.choicesElsewhere == 9 && facts.n == nil)
    #expect(try found(#"{"extra_body":{"n":-1,"best_of":0}}"#).choicesElsewhere == 0)
    #expect(try found(#"{"extra_body":{"n":1.5}}"#).choicesElsewhere == 128)
  }

  @Test(arguments: [
    (#"{"max_tool_calls":3}"#, 3), (#"{"max_tool_calls":null}"#, 0),
    (#"{"max_tool_calls":"3"}"#, 0),
    (#"{"max_tool_calls":-1}"#, 0), (#"{"max_tool_calls":1.5}"#, 1 << 31),
    (#"{"max_tool_calls":3,"max_tool_calls":9,"Max_Tool_Calls":7}"#, 9),
    (#"{"extra_body":{"max_tool_calls":5},"max_tool_calls":2}"#, 5),
    (#"{"tools":[{"type":"web_search","max_tool_calls":5}]}"#, 0),
  ]) func `the calls of hosted tools that a request allows are read`(body: String, calls: Int)
    throws
  {
    #expect(try found(body).toolCalls == calls)
  }

  // MARK: Guarded members

  @Test func `members that choose another way are told, with their places`() throws {
    for field in GuardedField.allCases {
      let name = field.rawValue
      let facts = try found("{\"\(name)\":true}")
      #expect(facts.guarded.map(\.name) == [name])
      #expect(facts.guarded.first?.field == field && facts.guarded.first?.isExact == true)
      #expect(try found("{\"\(name)\":null,\"x\":{\"\(name)\":1}}").guarded.isEmpty)
      #expect(try found("{\"\(name.uppercased())\":true}").guarded.map(\.isExact) == [false])
      let inside = try found("{\"extra_body\":{\"parameters\":{\"\(name)\":[1]}}}")
      #expect(inside.guarded.map(\.name) == ["extra_body.parameters.\(name)"])
      #expect(scan("{\"\(name)\":1,\"\(name)\":1}").failure != nil)
    }
    #expect(try found(#"{"l\u006fra":{"a":1}}"#).guarded.map(\.name) == ["lora"])
    #expect(try found(#"{"ba\u017fe_url":"x"}"#).guarded.map(\.isExact) == [false])
    #expect(try found(#"{"background":false}"#).guarded.isEmpty)
    #expect(try found(#"{"tools":[{"parameters":{"models":["a"]}}]}"#).guarded.isEmpty)
  }

  @Test func `what counts at the top level is never allowed in extra_body`() throws {
    let facts = try found(
      #"{"extra_body":{"model":"m","previous_response_id":"r","conversation":{"id":"c"}}}"#)
    #expect(facts.guarded.map(\.field) == [nil, nil, nil])
    #expect(facts.model == nil && facts.previousResponseID == nil && facts.conversation == nil)
  }

  @Test(arguments: [
    (#""a""#, ["a"]), ("[]", []), (#"["a","b\u0063"]"#, ["a", "bc"]), (#"["a",1]"#, nil),
    (#"[{"model":"a"}]"#, nil), (#"{"a":["b"]}"#, nil), ("1", nil), ("true", nil),
    (#"["a",null]"#, nil),
    (#"["a",["b"]]"#, nil), (#"[""]"#, nil), (#"["\n"]"#, nil),
  ])
  func `the names in a list of models are told`(value: String, names: [String]?) throws {
    for field in GuardedField.allCases.filter(\.namesModels).map(\.rawValue) {
      let facts = try found("{\"\(field)\":\(value),\"n\":2,\"stop\":[\"x\"]}")
      #expect(facts.guarded.first?.models == names.map { $0.map { Array($0.utf8) } })
      #expect(facts.n == 2)
    }
  }

  @Test func `there are at most 64 guarded members, and names in one`() throws {
    func members(_ count: Int) -> String {
      let all = (0..<count).map { _ in #""lora":1"# }.joined(separator: ",")
      return "{\"extra_body\":{\(all)}}"
    }
    #expect(try facts(members(64)).guarded.count == 64)
    #expect(scan(members(65)) == .failure(.invalidValue(.lora)))
    func names(_ count: Int) -> String {
      let all = (0..<count).map { "\"m\($0)\"" }.joined(separator: ",")
      return "{\"models\":[\(all)]}"
    }
    #expect(try facts(names(64)).guarded.first?.models?.count == 64)
    #expect(try facts(names(65)).guarded.first?.models == nil)
  }

  // MARK: What is continued

  @Test func `the ids of what is continued are told`() throws {
    let facts = try found(#"{"previous_response_id":"resp_\u0031","conversation":"conv_1"}"#)
    #expect(facts.previousResponseID == Array("resp_1".utf8))
    #expect(facts.conversation == Array("conv_1".utf8))
    #expect(facts.previousResponseIDRange == 24..<37)
    let object = try found(#"{"conversation":{"x":{"id":"no"},"id":"conv_2"},"a":1}"#)
    #expect(object.conversation == Array("conv_2".utf8) && object.conversationRange == 16..<47)
    let none = try found(#"{"previous_response_id":null,"conversation":null}"#)
    #expect(none.previousResponseID == nil && none.conversation == nil)
  }

  @Test(arguments: [
    (#"{"previous_response_id":1}"#, BodyProblem.invalidValue(.previousResponseID)),
    (#"{"previous_response_id":""}"#, .invalidValue(.previousResponseID)),
    (
      #"{"previous_response_id":"a","previous_response_id":"a"}"#,
      .duplicateKey(.previousResponseID)
    ),
    (#"{"Previous_response_id":"a"}"#, .duplicateKey(.previousResponseID)),
    (#"{"conversation":{}}"#, .invalidValue(.conversation)),
    (#"{"conversation":{"id":null}}"#, .invalidValue(.conversation)),
    (#"{"conversation":{"id":1}}"#, .invalidValue(.id)),
    (#"{"conversation":{"id":"a","id":"b"}}"#, .duplicateKey(.id)),
    (#"{"conversation":[1]}"#, .invalidValue(.conversation)),
  ])
  func `an id that is ambiguous or none is refused`(text: String, problem: BodyProblem) {
    let body = Array(text.utf8)
    #expect(scan(body) == .failure(problem))
    #expect(differingCut(count: body.count) { scan(body, cuts: $0) } == nil)
  }

  @Test(arguments: [
    (#"{"type":"item_reference","id":"a"}"#, ["a"]),
    (#"{"id":"a","type":"item_reference"}"#, ["a"]),
    (#"{"id":"a"}"#, ["a"]), (#"{"id":"a","type":null}"#, ["a"]),
    (#"{"type":"message","id":"a","role":"user"}"#, []), (#"{"id":"a","role":"user"}"#, []),
    (#"{"type":"function_call","id":"a","arguments":"{}"}"#, []),
    (#"{"type":"message","id":"a","type":"item_reference"}"#, ["a"]),
    (#"{"Type":"item_reference","id":"a","type":"message"}"#, ["a"]),
    (#"{"type":"item_reference","id":"a","id":"b"}"#, ["a", "b"]),
    (#"{"content":[{"type":"item_reference","id":"no"}],"role":"user"}"#, []),
    (#""text""#, []), (#"[{"id":"no"}]"#, []),
  ])
  func `items that only refer to earlier ones are told`(item: String, ids: [String]) throws {
    let facts = try found("{\"input\":[\(item),{\"role\":\"user\",\"content\":\"x\"}]}")
    #expect(facts.itemReferences == ids.map { Array($0.utf8) })
  }

  @Test func `there are at most 1,000 references, each of 256 bytes`() throws {
    func items(_ count: Int) -> String {
      let all = (0..<count).map { "{\"id\":\"i\($0)\"}" }.joined(separator: ",")
      return "{\"input\":[\(all)]}"
    }
    #expect(try facts(items(1000)).itemReferences.count == 1000)
    #expect(scan(items(1001)) == .failure(.invalidValue(.input)))
    func ids(_ count: Int) -> String {
      let all = (0..<count).map { "\"id\":\"i\($0)\"" }.joined(separator: ",")
      return "{\"input\":[{\(all)}]}"
    }
    #expect(try facts(ids(8)).itemReferences.count == 8)
    #expect(scan(ids(9)) == .failure(.invalidValue(.input)))
    let long = String(repeating: "i", count: 256)
    #expect(try facts("{\"input\":[{\"id\":\"\(long)\"}]}").itemReferences.count == 1)
    #expect(scan("{\"input\":[{\"id\":\"\(long)i\"}]}") == .failure(.invalidValue(.input)))
  }
}

extension Result {
  fileprivate var failure: Failure? {
    if case .failure(let failure) = self { return failure }
    return nil
  }
}
