import Testing

@testable import Lint

struct EnvoyPatchTests {
  private func patch(_ type: String, _ operation: String) throws -> EnvoyPatch {
    let root = try node(
      #"{"type": "type.googleapis.com/envoy.config.\#(type)", "operation": {\#(operation)}}"#)
    return EnvoyPatch(
      Field(document: Document(source: "f", hasLines: true, root: root), object: "P"))
  }

  private static let manager = "/filter_chains/0/filters/0/typed_config"

  @Test(arguments: [
    (#""op": "remove", "path": "\#(manager)/http_filters/0""#, EnvoyPatch.Part.filters),
    (#""op": "replace", "path": "\#(manager)/http_filters""#, .filters),
    (#""op": "add", "path": "\#(manager)/http_filters""#, .filters),
    (#""op": "add", "path": "\#(manager)/http_filters/1/disabled""#, .filters),
    // One filter is added before another.
    (#""op": "add", "path": "\#(manager)/http_filters/0""#, .other),
    (#""op": "copy", "from": "/a", "path": "\#(manager)/http_filters/0""#, .other),
    // One that is added after the router is not just one more.
    (#""op": "add", "path": "\#(manager)/http_filters/-""#, .filters),
    // A move takes a filter out of the list, or to another place in it.
    (#""op": "move", "from": "\#(manager)/http_filters/2", "path": "/x""#, .filters),
    (#""op": "replace", "path": "\#(manager)""#, .filters),
    (#""op": "add", "path": "/filter_chains/-""#, .filters),
    (#""op": "remove", "path": "/default_filter_chain""#, .filters),
    (#""op": "replace", "path": """#, .filters),
    (#""op": "add", "path": "\#(manager)/route_config""#, .filters),
    (#""op": "remove", "jsonPath": "..http_filters[?(@.name=='x')]""#, .filters),
    (#""op": "add", "jsonPath": "..filters[0].typed_config", "path": "/http_filters""#, .filters),
    (#""op": "replace", "path": "/per_connection_buffer_limit_bytes""#, .other),
    (#""op": "add", "path": "\#(manager)/normalize_path""#, .other),
    (#""op": "replace", "path": "/filter_chains/0/transport_socket""#, .other),
  ])
  func `what a patch of a listener changes`(_ operation: String, _ part: EnvoyPatch.Part) throws {
    #expect(try patch("listener.v3.Listener", operation).part == part)
  }

  @Test(arguments: [
    (#""op": "add", "path": "/virtual_hosts/0/routes/-""#, EnvoyPatch.Part.routes),
    (#""op": "remove", "path": "/virtual_hosts/0/routes/3""#, .routes),
    (#""op": "add", "path": "/virtual_hosts/1""#, .routes),
    (#""op": "remove", "path": "/virtual_hosts/0/routes/0/match/headers""#, .routes),
    (#""op": "add", "path": "/virtual_hosts/0/routes/0/typed_per_filter_config""#, .routes),
    (#""op": "move", "from": "/virtual_hosts/0/routes/0", "path": "/x""#, .routes),
    (#""op": "replace", "path": "/virtual_hosts/0/routes/0/route/timeout""#, .other),
  ])
  func `what a patch of routes changes`(_ operation: String, _ part: EnvoyPatch.Part) throws {
    #expect(try patch("route.v3.RouteConfiguration", operation).part == part)
  }

  @Test func `a test changes nothing, and other resources are not Tollgate's filters`() throws {
    let place = #""path": "\#(Self.manager)/http_filters/0""#
    #expect(try patch("listener.v3.Listener", #""op": "test", \#(place)"#).part == nil)
    #expect(try patch("cluster.v3.Cluster", #""op": "remove", \#(place)"#).part == .other)
    #expect(
      try patch("cluster.v3.Cluster", #""op": "move", "path": "/b", "from": "/a""#).name
        == "move /b /a")
  }
}
