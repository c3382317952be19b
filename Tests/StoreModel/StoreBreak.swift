/// A rule of the store that is left out on purpose, so that a test can see that it would be missed.
package enum StoreBreak: Sendable, Equatable {
  /// What is leased of a budget comes back when its holder was silent for the lease's time.
  case budgetSlicesReturnByTime
  /// A partition grants whatever became of its data.
  case noOpening
  /// Statements count in whatever order they come, and however often.
  case noNumbers
  /// A bucket refills to its capacity while a part of it is leased.
  case refillsOverSlices
}
