import Bytes
import EnvoyAPI

/// ext_proc's `response_attributes`, which tell whose answer a response is. An attribute is absent where
/// the filter does not ask for it, and where Envoy has no value for it. Ranges are in the message's
/// bytes.
struct ResponseAttributes {
  private var codeDetails: Range<Int>?
  private var flags: UInt64?
  private var upstreamAddress: Range<Int>?
  private var attemptCount: Double?

  /// The longest `upstream.address` that is kept, in bytes.
  static let backendBytesMax = 64

  /// `response.flags` of answers for which no backend was reached: UH, UF, UO, NR.
  private static let unreachedFlags: UInt64 = 0x2 | 0x20 | 0x80 | 0x100
  /// Those of filters that answer in the router's place: DI, FI, RL, UAEX, RLSE.
  private static let filterFlags: UInt64 = 0x200 | 0x400 | 0x800 | 0x1000 | 0x2000

  private static let viaUpstream: StaticString = "via_upstream"
  private static let directResponse: StaticString = "direct_response"

  init() {}

  /// `attributes`: the Struct of the filter's attributes; a name given twice takes the last.
  init(in bytes: Span<UInt8>, _ attributes: Range<Int>) throws(WireError) {
    func text(_ value: Range<Int>) throws(WireError) -> Range<Int>? {
      guard case .string(let range) = try StructValue(in: bytes, value) else { return nil }
      return range
    }
    func number(_ value: Range<Int>) throws(WireError) -> Double? {
      guard case .number(let number) = try StructValue(in: bytes, value) else { return nil }
      return number
    }
    try StructFields.forEachEntry(ofMap: 1, in: bytes, attributes) {
      (key, value) throws(WireError) in
      let name = bytes.extracting(key)
      if name.elementsEqual(EnvoyAttribute.codeDetails) {
        codeDetails = try text(value)
      } else if name.elementsEqual(EnvoyAttribute.responseFlags) {
        let bits = try number(value) ?? -1
        flags = bits >= 0 && bits < 9e15 ? UInt64(bits) : nil
      } else if name.elementsEqual(EnvoyAttribute.upstreamAddress) {
        upstreamAddress = try text(value)
      } else if name.elementsEqual(EnvoyAttribute.attemptCount) {
        attemptCount = try number(value)
      }
    }
  }

  /// The host that was tried.
  func backend(in bytes: Span<UInt8>) -> String? {
    guard let upstreamAddress, !upstreamAddress.isEmpty,
      upstreamAddress.count <= Self.backendBytesMax
    else { return nil }
    return String(decoding: bytes.extracting(upstreamAddress).copy(), as: UTF8.self)
  }

  /// Whose answer it is. A backend's always says `via_upstream`; what another filter answers often has
  /// empty details, but never an upstream.
  func source(in bytes: Span<UInt8>) -> AnswerSource {
    let isUntried = attemptCount == 0 || upstreamAddress?.isEmpty == true
    guard let codeDetails else { return isUntried ? .envoy(wasReached: false) : .unknown }
    let details = bytes.extracting(codeDetails)
    if details.elementsEqual(Self.viaUpstream) { return .backend }
    return .envoy(
      wasReached: !isUntried && !details.elementsEqual(Self.directResponse) && !flagsSayUnreached)
  }

  private var flagsSayUnreached: Bool {
    guard let flags else { return false }
    // Where there is no address, any other flag may be that of a backend that had the request: then
    // the address was not asked for.
    return flags & Self.unreachedFlags != 0
      || upstreamAddress == nil && flags & ~Self.filterFlags == 0
  }
}
