/// Where the token counts of an exchange come from.
package enum UsageSource: String, Sendable, CaseIterable {
  /// The provider's last word; charged as it stands.
  case reported
  /// The response was cut, or the provider gave no count: estimated from the request and the text.
  case estimated
  /// No tokens are counted: the path is not metered, or no model answered.
  case none
}
