/// A fault in a policy, with its place and its remedy.
package struct PolicyProblem: Sendable, Equatable, CustomStringConvertible {
  package enum Severity: String, Sendable { case error, warning }

  package let severity: Severity
  package let file: String
  /// From 1.
  package let line: Int
  /// From 1, in characters.
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
