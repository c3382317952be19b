/// Which policy is in force, and what became of the last ones.
package struct PolicyStatus: Sendable, Equatable {
  package var revision: String
  /// 1 for the first policy, one more with each that replaced it.
  package var generation: Int
  /// Unix milliseconds at which it came into force.
  package var loadedAtMs: Int64
  /// Policies that replaced another.
  package var replaced: Int
  /// Readings that found nothing new, because somebody asked.
  package var unchanged: Int
  package var refused: Int
  /// Unix milliseconds of the last attempt, whatever came of it.
  package var lastAttemptMs: Int64
  package var tenants: Int
  package var models: Int
  /// What is wrong with the last policy that was refused; empty after a good one.
  package var problems: [String]
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

  /// The last policy that was read is the one in force.
  package var isLastGood: Bool { problems.isEmpty }
}
