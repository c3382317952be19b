import Terms

/// The record `threshold`: the settled use of a budget has come to a share of it (`warn_at`), for the first
/// time in its window.
package struct Threshold: Equatable, Sendable {
  /// The tenant whose limit it is; nil for a limit of several tenants together.
  package var tenant: String?
  /// The group whose limit it is; nil for any other.
  package var group: String?
  /// The limit's name.
  package var limit: String
  /// The counter's name, as in `Charge.counter`.
  package var counter: String
  package var kind: LimitKind
  package var share: WarningShare
  /// The settled use, and what the window gave then: in the unit of the kind, money in nano-dollars.
  package var used: Int64
  package var amount: Int64
  /// The window, in Unix milliseconds. Its end is not part of it.
  package var windowStartMs: Int64
  package var windowEndMs: Int64

  package init(
    tenant: String?, group: String?, limit: String, counter: String, kind: LimitKind,
    share: WarningShare, used: Int64, amount: Int64, windowStartMs: Int64, windowEndMs: Int64
  ) {
    self.tenant = tenant
    self.group = group
    self.limit = limit
    self.counter = counter
    self.kind = kind
    self.share = share
    self.used = used
    self.amount = amount
    self.windowStartMs = windowStartMs
    self.windowEndMs = windowEndMs
  }
}
