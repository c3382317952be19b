/// The waits between attempts: each about twice as long as the one before, up to a maximum. Each is
/// shortened by up to half at random, so that many senders do not try again at the same time. A
/// value.
package struct Backoff: Equatable, Sendable {
  private let firstMs: Int64
  private let maxMs: Int64
  private var failures = 0

  /// No attempt has failed yet.
  package init(
    first: Duration = ShippingLimits.backoffFirst, max: Duration = ShippingLimits.backoffMax
  ) {
    firstMs = first.wholeMilliseconds
    maxMs = max.wholeMilliseconds
  }

  /// The wait after one more failure, in milliseconds; `random` is any number.
  package mutating func next(random: UInt64) -> Int64 {
    let whole = min(maxMs, firstMs << Int64(min(failures, 32)))
    failures += 1
    let half = UInt64(whole / 2)
    return whole - Int64(random % (half + 1))
  }

  /// An attempt has succeeded.
  package mutating func reset() { failures = 0 }
}
