/// What becomes of a limit's requests while the store in which replicas share it is lost. The raw value
/// is what the policy calls it.
package enum StoreLoss: String, Sendable, Hashable, CaseIterable {
  /// Slices in hand are spent; then requests are refused.
  case lease
  /// Requests are refused at once.
  case deny
  /// Beside its slices, each replica spends its share of what was left when it saw the store last.
  case local
  /// Requests are not checked, only counted.
  case allow
}
