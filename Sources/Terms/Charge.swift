/// An amount charged to one counter: in an admission what is reserved, in a completion the final
/// charge that replaces it.
package struct Charge: Equatable, Sendable {
  /// The counter's name, such as `tenant/tenant-a/tpm`.
  package var counter: String
  /// In the counter's own unit: requests, tokens, nano-dollars, or 1 or 0 for a slot.
  package var amount: Int64
  /// The start of the calendar window it belongs to, in Unix milliseconds; nil for buckets and
  /// slots.
  package var window: Int64?

  package init(counter: String, amount: Int64, window: Int64? = nil) {
    self.counter = counter
    self.amount = amount
    self.window = window
  }
}
