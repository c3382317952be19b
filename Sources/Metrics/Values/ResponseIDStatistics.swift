/// The ids of responses that are kept, by which requests may continue answers.
package struct ResponseIDStatistics: Sendable, Equatable {
  /// How many are known.
  package var known: Int
  /// Writes that failed, since the start.
  package var failures: Int64

  package init(known: Int = 0, failures: Int64 = 0) {
    self.known = known
    self.failures = failures
  }
}
