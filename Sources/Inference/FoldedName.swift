import Bytes

/// A key while it arrives, unescaped and with its case folded, for as long as it can still be one
/// that is inspected.
///
/// Two keys that differ only in case are the same member to Go's encoding/json, whose simple case
/// folding takes `ſ` (U+017F) for s and the Kelvin sign (U+212A) for k.
struct FoldedName {
  /// The longest inspected key is `continuous_usage_stats`.
  static let bytesMax = 22

  private var bytes = InlineArray<22, UInt8>(repeating: 0)
  private var count = 0
  /// False as soon as folding changed anything: the key is not spelled as it should be.
  private(set) var isExact = true

  /// Takes the next bytes of the key, all of them ASCII.
  mutating func append(_ run: Span<UInt8>) {
    for index in run.indices where count <= Self.bytesMax { append(UInt32(run[index])) }
  }

  /// Takes the next scalar of the key.
  mutating func append(_ scalar: UInt32) {
    switch scalar {
    case 0x41...0x5A: append(folded: UInt8(scalar) | 0x20, exact: false)
    case 0..<0x80: append(folded: UInt8(scalar), exact: true)
    case 0x17F: append(folded: UInt8(ascii: "s"), exact: false)
    case 0x212A: append(folded: UInt8(ascii: "k"), exact: false)
    // No inspected key has it.
    default: append(folded: 0xFF, exact: true)
    }
  }

  private mutating func append(folded byte: UInt8, exact: Bool) {
    if count < Self.bytesMax { bytes[count] = byte }
    count += 1
    if !exact { isExact = false }
  }

  /// The inspected key this is, case apart: of the top level, or of `stream_options`.
  func key(inStreamOptions: Bool) -> InspectedKey? {
    let candidate: InspectedKey?
    switch (count, inStreamOptions) {
    case (1, false): candidate = .n
    case (5, false): candidate = .model
    case (6, false): candidate = .stream
    case (7, false): candidate = .bestOf
    case (10, false): candidate = .maxTokens
    case (14, false): candidate = .streamOptions
    case (17, false): candidate = .maxOutputTokens
    case (21, false): candidate = .maxCompletionTokens
    case (13, true): candidate = .includeUsage
    case (22, true): candidate = .continuousUsageStats
    default: candidate = nil
    }
    guard let candidate, bytes.span.extracting(first: count).elementsEqual(candidate.member) else {
      return nil
    }
    return candidate
  }
}
