/// Whose answer the client got: Tollgate's or Envoy's own, or a backend's.
package enum Origin: String, Sendable, CaseIterable {
  case gateway, backend

  /// By case: the raw value's hash would be the text's, and metrics hash one for each exchange.
  package func hash(into hasher: inout Hasher) { hasher.combine(self == .gateway) }
}
