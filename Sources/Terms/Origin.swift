/// Who produced the answer that the client got: `gateway` is Tollgate or Envoy itself, `backend` is
/// a model server.
package enum Origin: String, Sendable, CaseIterable {
  case gateway, backend

  /// Hashes the case. The default for a raw value of type `String` would hash the text, and metrics
  /// hash one `Origin` for each exchange.
  package func hash(into hasher: inout Hasher) { hasher.combine(self == .gateway) }
}
