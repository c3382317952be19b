/// `log_level`: how much the process says while this policy is in force.
package enum LogLevel: String, Sendable, CaseIterable {
  case debug, info, warning, error
}
