import Testing

@testable import Lint

/// Filters that ask Tollgate in an Envoy config, and whether any route switches them on.
struct DisabledFilterTests {
  private static let proc = "envoy.filters.http.ext_proc"
  private static let auth = "envoy.filters.http.ext_authz"
  private static let on = #"{"@type": "t/envoy.config.route.v3.FilterConfig", "config": {}}"#

  /// A listener of which both filters are disabled, with these routes and settings around them.
  private func notAsked(
    routes: String = "", host: String = "{}", configuration: String = "{}",
    routing: String? = nil
  ) throws -> [String] {
    func filter(_ name: String, _ type: String) -> String {
      """
      {"name": "\(name)", "disabled": true, "typed_config": {"@type": "t/x.v3.\(type)",
        "grpc_service": {"envoy_grpc": {"cluster_name": "tollgate"}}}}
      """
    }
    let own = """
      "route_config": {"typed_per_filter_config": \(configuration), "virtual_hosts": [
        {"domains": ["*"], "typed_per_filter_config": \(host), "routes": [\(routes)]}]}
      """
    let config = """
      {"static_resources": {"listeners": [{"name": "ai", "filter_chains": [{"filters": [
        {"typed_config": {"@type": "t/x.v3.HttpConnectionManager", \(routing ?? own),
          "http_filters": [\(filter(Self.auth, "ExtAuthz")),
                           \(filter(Self.proc, "ExternalProcessor"))]}}]}]}]}}
      """
    return try findings([config]).filter { $0.check == "not-asked" && $0.severity == .error }
      .map(\.place.field).filter { !$0.isEmpty }
  }

  private func route(_ settings: String, model: String = "m", action: String = "route") -> String {
    """
    {"match": {"prefix": "/", "headers": [
      {"name": "x-ai-model-route", "string_match": {"exact": "\(model)"}}]},
     "\(action)": {"cluster": "\(model)"}, "typed_per_filter_config": \(settings)}
    """
  }

  private let both = #"{"\#(Self.proc)": \#(Self.on), "\#(Self.auth)": \#(Self.on)}"#

  @Test func `filters that nothing switches on are an error on each route`() throws {
    let found = try notAsked(routes: route("{}"))
    #expect(found.count { $0.hasSuffix(".disabled") } == 2)
    #expect(found.contains { $0.contains("http_filters[0]") })
    #expect(found.contains { $0.contains("http_filters[1]") })
  }

  @Test func `so they are where no route leads to a model`() throws {
    for routes in ["", route("{}", action: "direct_response"), #"{"match": {"prefix": "/"}}"#] {
      let found = try notAsked(routes: routes)
      #expect(found.count { $0.hasSuffix(".disabled") } == 2, "\(routes)")
    }
  }

  @Test func `a route, its host or its configuration switches them on`() throws {
    #expect(try notAsked(routes: route(both)).isEmpty)
    #expect(try notAsked(routes: route("{}"), host: both).isEmpty)
    #expect(try notAsked(routes: route("{}"), configuration: both).isEmpty)
  }

  @Test func `one that is switched on for another route only is an error on this one`() throws {
    let found = try notAsked(routes: route(both) + "," + route("{}", model: "k"))
    #expect(found.count == 2)
  }

  @Test func `routes that Envoy fetches may switch them on`() throws {
    #expect(try notAsked(routing: #""rds": {"route_config_name": "r"}"#).isEmpty)
  }
}
