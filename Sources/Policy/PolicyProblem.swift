/// Something wrong with a policy: where it is, and in `message` what it is and what to do.
package struct PolicyProblem: Sendable, Equatable, CustomStringConvertible {
  /// An error makes the policy invalid, a warning does not.
  package enum Severity: String, Sendable { case error, warning }

  package let severity: Severity
  /// `PolicySource.name`
  package let file: String
  /// From 1.
  package let line: Int
  /// From 1, in Unicode scalars.
  package let column: Int
  /// `tenants.tenant-a.limits[2]`; "" for the file itself.
  package let path: String
  package let message: String

  /// `file:line:column: error: path: message`
  package var description: String {
    let place = "\(file):\(line):\(column): \(severity.rawValue): "
    return path.isEmpty ? place + message : place + path + ": " + message
  }
}
