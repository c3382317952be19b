import Testing

@testable import Lint

struct DocumentTests {
  @Test(arguments: [
    ("{}", Node.Kind.map([])), ("[]", .list([])), (" null ", .null), ("true", .bool("true")),
    ("-1.5e3", .number("-1.5e3")),
    (#""a\n\u00e9\ud83d\ude00\/""#, .string("a\né😀/", isLiteral: false)),
  ])
  func `JSON values are read`(_ text: String, _ kind: Node.Kind) throws {
    #expect(try node(text).kind == kind)
  }

  @Test(arguments: [
    ("", 1, 1), ("{", 1, 2), ("[1,]", 1, 4), ("{\"a\":1,}", 1, 8), ("{\"a\":1\n,\"a\":2}", 2, 5),
    ("nul", 1, 1), ("01x", 1, 1), ("\"a", 1, 3), ("\"\\x\"", 1, 4), ("\"\\ud800\"", 1, 8),
    ("\"\n\"", 1, 2), ("1 2", 1, 3), ("{a: 1}", 1, 2), ("'a'", 1, 1),
    ("01", 1, 1), ("[1.]", 1, 2), ("{\"a\":\n -}", 2, 2),
  ])
  func `broken JSON is refused with its place`(
    _ text: String, _ line: Int, _ column: Int
  ) throws {
    let problem = #expect(throws: DocumentProblem.self) { try node(text) }
    #expect(problem?.line == line)
    #expect(problem?.column == column)
  }

  @Test func `nesting and the number of values are bounded`() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    // The outermost list is at depth 0.
    _ = try Node(json: nested(4), depthMax: 3)
    #expect(throws: DocumentProblem.self) { try Node(json: nested(5), depthMax: 3) }
    let three = Array("[1,2]".utf8)
    _ = try Node(json: three, nodesMax: 3)
    #expect(throws: DocumentProblem.self) { try Node(json: three, nodesMax: 2) }
  }

  @Test func `a key's line is the line of its value's place`() throws {
    let root = try node("{\n \"a\": {\n  \"b\":\n [1,\n2]}}")
    let field = Field(document: Document(source: "f", hasLines: true, root: root), object: "O")
    #expect(field["a"]["b"].line == 3)
    #expect(field["a"]["b"][1].line == 5)
    #expect(field["a"]["none"]["deep"][3].place.line == 2)
    #expect(field["a"]["none"]["deep"][3].path == "a.none.deep[3]")
  }

  @Test(arguments: ["a.b[1].c", "data[x.json5]", "a", "m[k/l][0]", ""])
  func `a path leads where it was written`(_ path: String) throws {
    let root = try node(
      #"{"a": {"b": [0, {"c": 1}]}, "data": {"x.json5": "y"}, "m": {"k/l": [3]}}"#)
    let field = Field(document: Document(source: "f", hasLines: true, root: root), object: "")
    #expect(field.at(path).path == path)
    #expect(field.at(path).exists)
  }

  /// Keys are outside input, and a finding's path has them as they are.
  @Test(arguments: ["[", "a[", "a[b", "[a", "a]b", "]", "[[", "[]", "a.[", "[.", "data[x[y.json5]"])
  func `a key with a bracket ends no search for its path`(_ key: String) throws {
    let member = Node.Member(key: key, line: 1, value: Node(line: 1, kind: .bool("true")))
    let root = Node(line: 1, kind: .map([member]))
    let field = Field(document: Document(source: "f", hasLines: true, root: root), object: "")
    #expect(field[key].exists)
    for path in [field[key].path, field[key]["x"].path, field[key][3].path] {
      _ = field.at(path)
    }
  }

  @Test(arguments: [
    ("120s", Duration.seconds(120)), ("1h30m", .seconds(5400)), ("0.25s", .milliseconds(250)),
    ("500ms", .milliseconds(500)), ("0", .zero), ("0s", .zero),
    ("8000000000s", .seconds(8_000_000_000)),
  ])
  func `durations are read`(_ text: String, _ duration: Duration) {
    #expect(Amount.duration(text) == duration)
  }

  @Test(arguments: ["", "s", "12", "1x", "1s2", "-1s", "1.2.3s", "8000000001s"])
  func `what is no duration is none`(_ text: String) {
    #expect(Amount.duration(text) == nil)
  }

  @Test(arguments: [
    ("36Mi", Int64(36) << 20), ("1G", 1_000_000_000), ("512", 512), ("1.5Ki", 1536),
    ("33554432", 33_554_432),
  ])
  func `quantities are read`(_ text: String, _ bytes: Int64) {
    #expect(Amount.bytes(text) == bytes)
  }

  @Test(arguments: ["", "Mi", "1X", "1 Mi", "many"])
  func `what is no quantity is none`(_ text: String) {
    #expect(Amount.bytes(text) == nil)
  }

  @Test func `the YAML reader's print is read`() throws {
    let printed = #"""
      [{"documents": [[1, "map", [[1, "a", [1, "number", "1"]], [2, "b", [2, "literal", "x\n"]],
        [4, "c", [4, "list", [[5, "bool", "yes"], [6, "null", "~"], [7, "text", "t"]]]]]]]},
       {"problem": [3, 4, "bad"]}]
      """#
    let files = try YAMLTree.read(Array(printed.utf8))
    #expect(files.count == 2)
    let root = try #require(try files[0].get().first)
    let field = Field(document: Document(source: "f", hasLines: true, root: root), object: "")
    #expect(field["a"].integer == 1)
    #expect(field["b"].node?.kind == .string("x\n", isLiteral: true))
    #expect(field["c"][0].bool == true)
    #expect(!field["c"][1].exists)
    #expect(field["c"][2].line == 7)
    #expect(files[1] == .failure(DocumentProblem(line: 3, column: 4, message: "bad")))
  }

  @Test(arguments: [
    "{}", "[1]", #"[{"documents": [[1, "x", 1]]}]"#, #"[{"documents": [["1", "map", []]]}]"#,
    #"[{"problem": [1]}]"#, #"[{"documents": [[1, "map", [[1, 2, [1, "null", ""]]]]]}]"#,
  ])
  func `another print is refused`(_ printed: String) {
    #expect(throws: DocumentProblem.self) { try YAMLTree.read(Array(printed.utf8)) }
  }
}
