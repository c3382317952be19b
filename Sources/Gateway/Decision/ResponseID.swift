import Bytes

/// The id of a response, a conversation or an item, as it is kept: the first half of its SHA-256, so that
/// neither memory nor disk has an id by which somebody could continue an answer.
package struct ResponseID: Hashable, Sendable {
  let high: UInt64
  let low: UInt64

  init(_ id: Span<UInt8>) {
    let words = SHA256.digest(of: id).words
    (high, low) = (words.0, words.1)
  }

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// What is known of an id: who was given it, by which route, and how many tokens whoever continues it
/// brings along.
package struct KnownResponse: Equatable, Sendable {
  package let id: ResponseID
  package var tenant: String
  /// The model route that gave the answer.
  package var route: String
  /// All tokens of the exchange that gave it; 0 while they are not known.
  package var tokens: Int64

  package init(id: ResponseID, tenant: String, route: String, tokens: Int64) {
    self.id = id
    self.tenant = tenant
    self.route = route
    self.tokens = tokens
  }
}
