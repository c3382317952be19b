import Bytes
import Terms

/// One upstream of a model; Envoy maps its name to a cluster.
package struct ModelRoute: Sendable, Equatable {
  package let name: HeaderText
  package let weight: Int
  /// What the body's `model` is rewritten to; nil leaves the canonical name.
  package let upstreamModel: HeaderText?
}

/// What a route choice is tied to.
package enum Stickiness: Sendable, Equatable {
  case request
  case subject
  /// The value of this header, lowercased.
  case header(String)
}

/// How usage is had from streams.
package enum StreamUsage: Sendable, Equatable { case inject, asAsked, continuous }

/// A model of the policy, with its routes.
package final class Model: Sendable {
  package let index: Int
  package let name: HeaderText
  package let aliases: [String]
  package let trafficClass: TrafficClass
  package let routes: [ModelRoute]
  package let totalWeight: Int
  package let sticky: Stickiness
  /// The only endpoints this model serves; nil for any that the tenant may use.
  package let paths: Set<Endpoint>?
  package let maxOutputTokens: Int?
  package let streamUsage: StreamUsage
  package let prices: Prices?
  /// The name and a zero byte: what a sticky key is hashed behind.
  private let stickyPrefix: [UInt8]

  init(
    index: Int, name: String, aliases: [String], trafficClass: TrafficClass,
    routes: [ModelRoute], sticky: Stickiness, paths: Set<Endpoint>?, maxOutputTokens: Int?,
    streamUsage: StreamUsage, prices: Prices?
  ) {
    self.index = index
    self.name = HeaderText(name)
    self.aliases = aliases
    self.trafficClass = trafficClass
    self.routes = routes
    totalWeight = routes.reduce(0) { $0 + $1.weight }
    self.sticky = sticky
    self.paths = paths
    self.maxOutputTokens = maxOutputTokens
    self.streamUsage = streamUsage
    self.prices = prices
    stickyPrefix = Array(name.utf8) + [0]
  }

  /// The route for a draw: uniform when `draw` is. The same draw gives the same route in every
  /// process: the high word of `draw × totalWeight` falls into one route's share.
  package func route(draw: UInt64) -> Int {
    var share = Int(draw.multipliedFullWidth(by: UInt64(totalWeight)).high)
    for (index, route) in routes.enumerated() {
      share -= route.weight
      if share < 0 { return index }
    }
    preconditionFailure("weights do not add up to totalWeight")
  }

  /// The draw for a sticky key: the first 8 bytes (big-endian) of SHA-256(model name, 0x00, key).
  package func stickyDraw(key: Span<UInt8>) -> UInt64 {
    var hash = SHA256()
    let prefix = stickyPrefix
    hash.update(prefix.span)
    hash.update(key)
    return hash.finalize().words.0
  }
}
