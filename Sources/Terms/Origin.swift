/// Who produced the answer that the client got.
package enum Origin: String, Sendable, CaseIterable {
  /// Tollgate itself.
  case gateway
  /// A model server.
  case backend
  /// Envoy or another of its filters, because no model server was reached or none answered in time.
  case route

  /// Hashes the case. The default for a raw value of type `String` would hash the text, and metrics
  /// hash one `Origin` for each exchange.
  package func hash(into hasher: inout Hasher) {
    let number: UInt8 =
      switch self {
      case .gateway: 0
      case .backend: 1
      case .route: 2
      }
    hasher.combine(number)
  }
}
