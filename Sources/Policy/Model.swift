import Bytes
import Terms

/// One of a model's `routes`. Envoy maps its name to a cluster.
package struct ModelRoute: Sendable, Equatable {
  package let name: HeaderText
  /// The route's share of the requests, relative to the sum of all weights; 0 for none.
  package let weight: Int
  /// What the body's `model` is rewritten to; nil where it becomes the canonical name.
  package let upstreamModel: HeaderText?
}

/// `sticky`: what a choice of route depends on. Requests that have it in common get the same route.
package enum Stickiness: Sendable, Equatable {
  /// Every request gets a route of its own.
  case request
  /// The caller inside the tenant.
  case subject
  /// The value of this header, whose name is in lower case.
  case header(String)
}

/// `stream_usage`: how Tollgate gets the usage of a stream.
package enum StreamUsage: Sendable, Equatable {
  /// It sets `stream_options.include_usage`, and keeps the usage chunk from a client that did not.
  case inject
  /// The body stays as the client sent it.
  case asAsked
  /// It also sets `stream_options.continuous_usage_stats` (vLLM, SGLang).
  case continuous
}

/// `bound`: what is done where the client stated no bound of the answer.
package enum BoundWriting: Sendable, Equatable {
  /// The body stays as the client sent it.
  case asAsked
  /// `max_output_tokens` is written into it.
  case inject
}

/// `bound_above`: what is done with a stated bound above `max_output_tokens`.
package enum BoundAbove: Sendable, Equatable {
  /// The request is refused.
  case refuse
  /// The bound is rewritten to `max_output_tokens`.
  case clamp
}

/// What a policy says of a model's bounds, and of the fields that requests for it may have.
package struct ModelRequests: Sendable, Equatable {
  /// `context_tokens` where the policy states none.
  package static let contextTokensDefault = 2_000_000
  /// `max_output_tokens`; nil where the policy states none.
  package var maxOutputTokens: Int?
  /// `context_tokens`: the most tokens of a prompt, or of an answer without another bound.
  package var contextTokens = contextTokensDefault
  package var bound = BoundWriting.asAsked
  package var boundAbove = BoundAbove.refuse
  /// `bound_fields`: the fields that state the bound, the one first that is written; nil for the dialect's
  /// own.
  package var boundFields: [BoundField]?
  /// `allow_fields`
  package var allowFields: Set<GuardedField> = []
}

/// A model of the policy, with its routes.
package final class Model: Sendable {
  /// Its index in `PolicySnapshot.models` and in every `ModelSet`.
  package let index: Int
  /// The canonical name.
  package let name: HeaderText
  /// Other names that a request's body may give.
  package let aliases: [String]
  package let trafficClass: TrafficClass
  /// `provider`: who serves it, as OpenTelemetry's conventions name providers (`gen_ai.provider.name`); nil
  /// where the policy does not say.
  package let provider: String?
  /// At least one, with a weight above 0.
  package let routes: [ModelRoute]
  /// The sum of the routes' weights.
  package let totalWeight: Int
  package let sticky: Stickiness
  /// The only endpoints that this model serves; nil for any that the tenant may use.
  package let paths: Set<Endpoint>?
  /// Its bounds, and the fields that requests may have.
  package let requests: ModelRequests
  package let streamUsage: StreamUsage
  /// Nil where the policy states none.
  package let prices: Prices?
  /// The name and a zero byte, hashed before the sticky key.
  private let stickyPrefix: [UInt8]

  init(
    index: Int, name: String, aliases: [String], trafficClass: TrafficClass,
    provider: String? = nil,
    routes: [ModelRoute], sticky: Stickiness, paths: Set<Endpoint>?,
    requests: ModelRequests, streamUsage: StreamUsage, prices: Prices?
  ) {
    self.index = index
    self.name = HeaderText(name)
    self.aliases = aliases
    self.trafficClass = trafficClass
    self.provider = provider
    self.routes = routes
    totalWeight = routes.reduce(0) { $0 + $1.weight }
    self.sticky = sticky
    self.paths = paths
    self.requests = requests
    self.streamUsage = streamUsage
    self.prices = prices
    stickyPrefix = Array(name.utf8) + [0]
  }

  /// `max_output_tokens`; nil where the policy states none.
  package var maxOutputTokens: Int? { requests.maxOutputTokens }

  /// The fields that state the bound of an answer at this endpoint; none where it has no bound.
  package func boundFields(at endpoint: Endpoint) -> [BoundField] {
    let own = endpoint.boundFields
    return own.isEmpty ? own : requests.boundFields ?? own
  }

  /// Whether bodies for it may have to be changed for the sake of their bound.
  package var mayRewriteBound: Bool {
    requests.bound == .inject || requests.boundAbove == .clamp
  }

  /// The index of the route for a number `draw`. Where that is uniformly distributed, routes are chosen
  /// by their weights. The same number gives the same route in every process: the high word of
  /// `draw × totalWeight` lies in one route's share.
  package func route(draw: UInt64) -> Int {
    var share = Int(draw.multipliedFullWidth(by: UInt64(totalWeight)).high)
    for (index, route) in routes.enumerated() {
      share -= route.weight
      if share < 0 { return index }
    }
    preconditionFailure("weights do not add up to totalWeight")
  }

  /// The `draw` for a sticky key: the first 8 bytes (big-endian) of SHA-256(model name, 0x00, key).
  package func stickyDraw(key: Span<UInt8>) -> UInt64 {
    var hash = SHA256()
    let prefix = stickyPrefix
    hash.update(prefix.span)
    hash.update(key)
    return hash.finalize().words.0
  }
}
