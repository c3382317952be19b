import Bytes

/// The waits between attempts: each about twice the one before, up to a bound, and each shortened by
/// chance by up to half, so that many senders do not come back at once. A value.
package struct Backoff: Equatable, Sendable {
  private let firstMs: Int64
  private let maxMs: Int64
  private var failures = 0

  package init(
    first: Duration = ShippingLimits.backoffFirst, max: Duration = ShippingLimits.backoffMax
  ) {
    firstMs = first.wholeMilliseconds
    maxMs = max.wholeMilliseconds
  }

  /// The wait after one more failure; `random` is any number.
  package mutating func next(random: UInt64) -> Int64 {
    let whole = min(maxMs, firstMs << Int64(min(failures, 32)))
    failures += 1
    let half = UInt64(whole / 2)
    return whole - Int64(random % (half + 1))
  }

  /// Something has worked.
  package mutating func reset() { failures = 0 }
}
