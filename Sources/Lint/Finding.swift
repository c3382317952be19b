/// A mistake that was found, where, and how to mend it.
package struct Finding: Equatable, Sendable {
  package enum Severity: String, Sendable {
    case error, warning
  }

  package var severity: Severity
  /// The check's name, for `--ignore` and for documentation: `retries-on-streams`.
  package var check: String
  /// The file and line, where there is a file, and the object.
  package var place: String
  package var message: String
  package var remedy: String

  package init(
    severity: Severity, check: String, place: String, message: String, remedy: String
  ) {
    self.severity = severity
    self.check = check
    self.place = place
    self.message = message
    self.remedy = remedy
  }
}
