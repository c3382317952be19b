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
  private let bytes: [UInt8]

  /// Reads the header's value; nil where it is not well-formed.
  package init?(_ value: Span<UInt8>) {
    guard value.count >= Self.bytesCount else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.bytesCount)
    for index in 0..<Self.bytesCount {
      let byte = value[index]
      if index == 2 || index == 35 || index == 52 {
        guard byte == UInt8(ascii: "-") else { return nil }
      } else {
        guard Hex.lowercaseValue(byte) != nil else { return nil }
      }
      bytes.append(byte)
    }
    let version = bytes[..<2]
    if version.elementsEqual("ff".utf8) { return nil }
    if value.count > Self.bytesCount {
      guard !version.elementsEqual("00".utf8), value[Self.bytesCount] == UInt8(ascii: "-") else {
        return nil
      }
    }
    let zero = UInt8(ascii: "0")
    guard bytes[3..<35].contains(where: { $0 != zero }),
      bytes[36..<52].contains(where: { $0 != zero })
    else { return nil }
    text = String(decoding: bytes, as: UTF8.self)
    self.bytes = bytes
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
