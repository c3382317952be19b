/// Which policy is in force, and what happened to those that were read.
package struct PolicyStatus: Sendable, Equatable {
  /// `PolicySnapshot.revision` of the policy in force.
  package var revision: String
  /// 1 for the first policy, one more with each that replaced it.
  package var generation: Int
  /// Unix milliseconds at which it came into force.
  package var loadedAtMs: Int64
  /// How many reloads put a new policy in force.
  package var replaced: Int
  /// How many reloads found the policy unchanged.
  package var unchanged: Int
  /// How many reloads were refused because the policy had errors.
  package var refused: Int
  /// Unix milliseconds of the last reload, successful or not.
  package var lastAttemptMs: Int64
  /// Tenants of the policy in force.
  package var tenants: Int
  /// Models of the policy in force.
  package var models: Int
  /// The errors of the last reload; empty where it was not refused.
  package var problems: [String]
  /// The warnings about the policy in force.
  package var warnings: [String]

  package init(
    revision: String, generation: Int = 1, loadedAtMs: Int64, replaced: Int = 0,
    unchanged: Int = 0, refused: Int = 0, lastAttemptMs: Int64? = nil, tenants: Int, models: Int,
    problems: [String] = [], warnings: [String] = []
  ) {
    self.revision = revision
    self.generation = generation
    self.loadedAtMs = loadedAtMs
    self.replaced = replaced
    self.unchanged = unchanged
    self.refused = refused
    self.lastAttemptMs = lastAttemptMs ?? loadedAtMs
    self.tenants = tenants
    self.models = models
    self.problems = problems
    self.warnings = warnings
  }

  /// Whether the policy that was read last is the one in force.
  package var isLastGood: Bool { problems.isEmpty }
}
