import Terms

/// A member that chooses a model, an adapter or a way out beside `model`, or takes the answer out of the
/// exchange. Its value is not null.
package struct GuardedMember: Sendable, Equatable {
  let key: InspectedKey
  /// The objects that it is in, from the outside: `extra_body`, `parameters`.
  let places: [InspectedKey]
  /// Whether it is spelled as documented. In another spelling no policy allows it.
  package var isExact: Bool
  /// The models that its value names; nil where it is not a name or a list of names.
  package var models: [[UInt8]]? = []

  /// What `allow_fields` calls it. Nil for one that is never allowed: a member that counts at the top
  /// level only, in `extra_body` or `parameters`.
  package var field: GuardedField? { GuardedField(rawValue: "\(key.member)") }

  /// The member with its path: `fallbacks`, `extra_body.model`.
  package var name: String { (places + [key]).map { "\($0.member)" }.joined(separator: ".") }
}
