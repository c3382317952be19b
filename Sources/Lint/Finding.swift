/// A mistake that was found: what, where, and how to correct it.
package struct Finding: Equatable, Sendable {
  /// An error is wrong in any case; a warning may be intended. Only errors make the command fail.
  package enum Severity: String, Sendable {
    case error, warning
  }

  package let severity: Severity
  package let check: String
  package internal(set) var place: Place
  package let message: String
  package let remedy: String
  /// The names of the other sets in which the same was found.
  package internal(set) var alsoIn: [String] = []
}
