import Testing

@testable import Lint

/// What Envoy makes of a filter on a route, as values.
struct ChainTests {
  private func field(_ json: String) throws -> Field {
    Field(document: Document(source: "", hasLines: true, root: try node(json)), object: "")
  }

  /// A filter `f` on a route with these layers, the most specific first: `off`, or the value of `a`.
  private func effect(_ layers: [String], isDisabled: Bool = false) throws -> String? {
    let scopes = try layers.map { try field(#"{"typed_per_filter_config": {"f": \#($0)}}"#) }
    let filter = try field(#"{"name": "f", "disabled": \#(isDisabled)}"#)
    switch FilterEffect(of: filter, try field(#"{"a": "own"}"#), on: scopes) {
    case .off: return "off"
    case .runs(let layered): return layered["a"].text
    }
  }

  private static let config = #""@type": "t/envoy.config.route.v3.FilterConfig""#

  @Test func `the most specific layer that has a setting wins`() throws {
    #expect(try effect([]) == "own")
    #expect(try effect([#"{"overrides": {"b": 1}}"#]) == "own")
    #expect(try effect([#"{"overrides": {"a": "vhost"}}"#]) == "vhost")
    #expect(
      try effect([#"{"overrides": {"a": "route"}}"#, #"{"overrides": {"a": "vhost"}}"#]) == "route")
    #expect(try effect([#"{"overrides": {}}"#, #"{"overrides": {"a": "vhost"}}"#]) == "vhost")
    #expect(try effect([#"{"check_settings": {"a": "c"}}"#]) == "c")
    #expect(try effect([#"{\#(Self.config), "config": {"overrides": {"a": "w"}}}"#]) == "w")
  }

  @Test func `a route switches a filter off, and a more specific one on again`() throws {
    #expect(try effect([#"{"disabled": true}"#]) == "off")
    #expect(try effect([#"{"overrides": {}}"#, #"{"disabled": true}"#]) == "own")
    #expect(try effect([#"{\#(Self.config), "disabled": true}"#]) == "off")
    #expect(try effect([#"{\#(Self.config), "config": {}}"#, #"{"disabled": true}"#]) == "own")
    #expect(try effect([#"{\#(Self.config), "config": {"disabled": true}}"#]) == "off")
  }

  @Test func `a disabled filter runs where a route enables it`() throws {
    #expect(try effect([], isDisabled: true) == "off")
    #expect(try effect([#"{\#(Self.config), "config": {}}"#], isDisabled: true) == "own")
    #expect(try effect([#"{"overrides": {"a": "r"}}"#], isDisabled: true) == "r")
    #expect(try effect([#"{\#(Self.config), "disabled": true}"#], isDisabled: true) == "off")
  }

  @Test(arguments: [
    (#"{"disallow_all": true}"#, true), (#"{"disallow_all": {"value": true}}"#, true),
    (#"{"disallow_all": false}"#, false), ("{}", false),
    (#"{"disallow_all": true, "allow_expression": {"regex": "x-ai-.*"}}"#, false),
    (#"{"disallow_all": true, "allow_expression": {"regex": "x-ai"}}"#, true),
    (#"{"disallow_expression": {"regex": "x-.*"}}"#, true),
    (#"{"disallow_expression": {"regex": "x-"}}"#, false),
    (#"{"disallow_expression": {"regex": "x-.*"}, "allow_expression": {"regex": ".*"}}"#, true),
  ])
  func `mutation rules are applied in Envoy's order`(_ rules: String, _ isKept: Bool) throws {
    let rules = MutationRules(try field(rules))
    #expect((rules.rule(against: "x-ai-model-route") != nil) == isKept)
  }

  @Test func `a name with an underscore stands for both of Envoy's spellings`() throws {
    let both = try field(#"{"staticResources": 1, "a_b": 2, "aB": 3}"#)
    #expect(both["static_resources"].text == "1")
    #expect(both["static_resources"].path == "staticResources")
    #expect(both["a_b"].text == "2")
    #expect(!both["c_d"].exists)
    #expect(both["c_d"].path == "c_d")
  }

  @Test(arguments: [
    (#"{"static_resources": {}}"#, 1), (#"{"dynamicResources": {}}"#, 1), ("{}", 0),
    (#"{"configs": []}"#, 0), (#"{"configs": [{"@type": "t/x.y.Z"}]}"#, 0),
    (#"{"configs": [{"@type": "t/envoy.admin.v3.ListenersConfigDump"}]}"#, 1),
    (#"{"n": {"a": {"static_resources": {}}, "b": {"static_resources": {}}}}"#, 2),
    (#"{"n": {"a": {"b": {"static_resources": {}}}}}"#, 0),
    (#"{"kind": "X", "static_resources": {}}"#, 0),
    (#"{"resources": ["a.yaml"]}"#, 0),
    (#"{"resources": [{"@type": "t/envoy.config.listener.v3.Listener"}]}"#, 1),
  ])
  func `a config is known by its form`(_ json: String, _ count: Int) throws {
    let document = Document(source: "", hasLines: true, root: try node(json))
    #expect(EnvoyConfig.all(in: document).count == count)
  }
}
