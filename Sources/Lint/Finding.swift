/// A mistake that was found, where, and how to mend it.
package struct Finding: Equatable, Sendable {
  package enum Severity: String, Sendable {
    case error, warning
  }

  package var severity: Severity
  /// The check's name, for `--ignore` and for documentation: `retries-on-streams`.
  package var check: String
  package var place: Place
  package var message: String
  package var remedy: String
  /// The other sets (overlays) in which the very same was found.
  package var alsoIn: [String] = []

  package init(
    severity: Severity, check: String, place: Place, message: String, remedy: String
  ) {
    self.severity = severity
    self.check = check
    self.place = place
    self.message = message
    self.remedy = remedy
  }
}

/// Where in the input something is: a line of a file where there is a plain file, else the set that
/// was built; and always the object and the field.
package struct Place: Equatable, Sendable {
  /// The file, or the kustomization that was built, or `stdin`.
  package var source: String
  /// From 1; nil where the text was built and no one has it before their eyes.
  package var line: Int?
  /// `HTTPRoute tenant-a/chat`, `Envoy listener ai`, `ConfigMap ai-gateway/tollgate-policy`; or "".
  package var object: String
  /// `spec.rules[0].timeouts`; or "".
  package var field: String

  package init(source: String, line: Int?, object: String, field: String) {
    self.source = source
    self.line = line
    self.object = object
    self.field = field
  }

  /// `file:12`, or `overlays/jwt`.
  package var position: String { line.map { "\(source):\($0)" } ?? source }

  /// `HTTPRoute tenant-a/chat spec.rules[0]`
  package var subject: String {
    [object, field].filter { !$0.isEmpty }.joined(separator: " ")
  }
}
