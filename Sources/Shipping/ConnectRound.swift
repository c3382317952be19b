/// One attempt to connect to a name: its addresses are tried in turn, each for its share of the
/// attempt's time, so that an address that never answers does not use up the time of one that
/// would. A value; times are milliseconds of the monotonic clock.
package struct ConnectRound<Address: Sendable>: Sendable {
  private var rest: ArraySlice<Address>
  private let endMs: Int64
  private let addressMs: Int64
  /// When the address that `next` returned last is to be given up.
  package private(set) var giveUpMs: Int64

  /// Begins with the address at position `turn`, counted modulo their number: the one that worked
  /// last, or the one behind the one that failed last.
  package init(
    _ addresses: [Address], turn: Int, timeout: Duration, nowMs: Int64,
    addressTimeout: Duration = ShippingLimits.addressTimeout
  ) {
    let first = addresses.isEmpty ? 0 : turn % addresses.count
    rest = (addresses[first...] + addresses[..<first]).prefix(ShippingLimits.addressesMax)
    endMs = nowMs + timeout.wholeMilliseconds
    addressMs = addressTimeout.wholeMilliseconds
    giveUpMs = endMs
  }

  /// The next address to try; nil where none is left. The last one may take all the time that is
  /// left.
  package mutating func next(nowMs: Int64) -> Address? {
    guard let address = rest.first else { return nil }
    let share = max(0, endMs - nowMs) / Int64(rest.count)
    giveUpMs = rest.count == 1 ? endMs : nowMs + min(addressMs, share)
    rest = rest.dropFirst()
    return address
  }
}
