import Bytes

/// Collects an object's key while it arrives, unescaped and in lower case, to tell whether it is one
/// of the inspected keys. Bytes beyond the longest inspected key are only counted.
///
/// Case is folded because Go's encoding/json takes keys that differ only in case for the same member:
/// its simple case folding also maps `ſ` (U+017F) to s and the Kelvin sign (U+212A) to k. A backend
/// that reads such a key must not see a model or a bound that was not seen here.
struct FoldedName {
  /// The longest inspected key is `context_window_fallback_dict`.
  static let bytesMax = 28

  private var bytes = InlineArray<28, UInt8>(repeating: 0)
  private var count = 0
  /// False as soon as folding changed a character: the key is not spelled exactly as documented.
  private(set) var isExact = true

  /// Adds the next bytes of the key, all of them ASCII.
  mutating func append(_ run: Span<UInt8>) {
    for index in run.indices where count <= Self.bytesMax { append(UInt32(run[index])) }
  }

  /// Adds the next Unicode scalar of the key.
  mutating func append(_ scalar: UInt32) {
    switch scalar {
    case 0x41...0x5A: append(folded: UInt8(scalar) | 0x20, exact: false)
    case 0..<0x80: append(folded: UInt8(scalar), exact: true)
    case 0x17F: append(folded: UInt8(ascii: "s"), exact: false)
    case 0x212A: append(folded: UInt8(ascii: "k"), exact: false)
    // No inspected key has such a character: 0xFF matches none.
    default: append(folded: 0xFF, exact: true)
    }
  }

  private mutating func append(folded byte: UInt8, exact: Bool) {
    if count < Self.bytesMax { bytes[count] = byte }
    count += 1
    if !exact { isExact = false }
  }

  /// The inspected key that this is in an object of that scope, ignoring case. Nil for any other key.
  func key(in scope: RequestScope) -> InspectedKey? {
    guard count <= Self.bytesMax, isExact || !scope.wantsExactKeys else { return nil }
    return InspectedKey.named(bytes.span.extracting(first: count), in: scope)
  }
}
