/// The tier of service that an answer says it was given in. Prices depend on it. Raw values are the
/// providers' own.
package enum ServiceTier: String, Sendable, CaseIterable {
  case auto, `default`, standard, flex, priority, fast, batch, scale
  /// Any other: the answer's own word is not kept, because nothing bounds what it says.
  case other

  /// Whether providers ask another price for it than for their standard tier.
  package var costsApart: Bool {
    switch self {
    case .flex, .priority, .fast, .batch, .scale, .other: true
    case .auto, .default, .standard: false
    }
  }
}
