/// Where the token counts of an exchange come from.
package enum UsageSource: String, Sendable, CaseIterable {
  /// The provider reported them: its last report is charged.
  case reported
  /// The response was cut, or the provider reported no count: they are estimated from the request
  /// and from the text of the answer.
  case estimated
  /// No tokens are counted: the endpoint is not metered, or no model answered.
  case none
}
