import Bytes

/// The W3C Trace Context header `traceparent`, read as its section 3.2.2 says:
/// `<version>-<32 hex>-<16 hex>-<2 hex>`, all in lower case.
///
/// Version `ff` and ids of only zeros are invalid. A version above 00 may have more after the
/// flags, behind another `-`; that is not kept.
package struct TraceParent: Equatable, Sendable {
  /// The length of a value of version 00, and the part that is kept of a later version.
  package static let bytesCount = 55

  /// The first `bytesCount` bytes of the header's value.
  package let text: String
  private var bytes: [UInt8] { Array(text.utf8) }

  /// Reads the header's value; nil where it is not well-formed.
  package init?(_ value: Span<UInt8>) {
    guard value.count >= Self.bytesCount else { return nil }
    for index in 0..<Self.bytesCount {
      switch index {
      case 2, 35, 52: guard value[index] == UInt8(ascii: "-") else { return nil }
      default: guard Hex.lowercaseValue(value[index]) != nil else { return nil }
      }
    }
    let version = value.extracting(first: 2)
    if version.elementsEqual(Self.invalidVersion) { return nil }
    if value.count > Self.bytesCount {
      guard !version.elementsEqual(Self.knownVersion),
        value[Self.bytesCount] == UInt8(ascii: "-")
      else { return nil }
    }
    guard Self.isID(value.extracting(3..<35)), Self.isID(value.extracting(36..<52)) else {
      return nil
    }
    text = value.extracting(first: Self.bytesCount).text
  }

  private static let invalidVersion: StaticString = "ff"
  private static let knownVersion: StaticString = "00"

  /// An id of only zeros is none.
  private static func isID(_ digits: Span<UInt8>) -> Bool {
    for index in digits.indices where digits[index] != UInt8(ascii: "0") { return true }
    return false
  }

  /// `trace-id`, 16 bytes.
  package var traceID: [UInt8] { Self.binary(bytes[3..<35]) }
  /// `parent-id`, 8 bytes: the caller's span.
  package var spanID: [UInt8] { Self.binary(bytes[36..<52]) }
  /// `trace-flags`; bit 0 means `sampled`.
  package var flags: UInt8 { Self.binary(bytes[53..<55])[0] }

  private static func binary(_ digits: ArraySlice<UInt8>) -> [UInt8] {
    guard let bytes = Hex.bytes(digits) else { preconditionFailure("the digits have been read") }
    return bytes
  }
}
