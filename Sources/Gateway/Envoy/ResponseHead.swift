import Bytes
import EnvoyAPI

/// What Envoy says of a response at its beginning: the headers that metering needs, and the attributes
/// that tell whose answer it is (ext_proc's `response_attributes`). Ranges are in the message's bytes.
struct ResponseHead {
  /// Header fields, `:status` among them, as Envoy counts them.
  private(set) var count = 0
  /// `:status`; nil where it is no number.
  private(set) var status: Int?
  private(set) var contentType = 0..<0
  /// `content-length`; nil where there is none.
  private(set) var bodyBytes: Int?
  /// The body has a content-encoding other than `identity`: it cannot be read.
  private(set) var isEncoded = false
  /// Envoy gave the answer itself (`response.code_details` is not `via_upstream`); nil where it does
  /// not say.
  private(set) var isGateways: Bool?
  /// A backend may have worked on the request: false where Envoy says that it reached none.
  private(set) var wasReached = true
  /// `upstream.address`: the host that was tried.
  private(set) var backend: String?

  /// The longest `upstream.address` that is kept, in bytes.
  static let backendBytesMax = 64
  /// `response.flags` of answers for which no backend was reached: UH, UF, UO, NR.
  private static let unreachedFlags: UInt64 = 0x2 | 0x20 | 0x80 | 0x100

  private static let viaUpstream: StaticString = "via_upstream"
  private static let directResponse: StaticString = "direct_response"
  private static let statusName: StaticString = ":status"
  private static let contentTypeName: StaticString = "content-type"
  private static let contentEncodingName: StaticString = "content-encoding"
  private static let contentLengthName: StaticString = "content-length"
  private static let identity: StaticString = "identity"

  /// `headers`: a HeaderMap's range.
  mutating func readHeaders(
    in bytes: Span<UInt8>, _ headers: Range<Int>
  ) throws(WireError) {
    try HeaderMap.forEach(in: bytes, headers) { name, value in
      add(bytes.extracting(name), value, in: bytes)
    }
  }

  private mutating func add(_ name: Span<UInt8>, _ value: Range<Int>, in bytes: Span<UInt8>) {
    count += 1
    switch name.count {
    case 7 where name.elementsEqual(Self.statusName):
      status = Int(String(decoding: bytes.extracting(value).copy(), as: UTF8.self))
    case 12 where name.elementsEqual(Self.contentTypeName): contentType = value
    case 14 where name.elementsEqual(Self.contentLengthName):
      bodyBytes = Int(String(decoding: bytes.extracting(value).copy(), as: UTF8.self))
    case 16 where name.elementsEqual(Self.contentEncodingName):
      let coding = bytes.extracting(value)
      isEncoded = !coding.isEmpty && !coding.elementsEqual(ignoringCase: Self.identity)
    default: break
    }
  }

  /// `attributes`: the Struct of the filter's attributes.
  mutating func readAttributes(
    in bytes: Span<UInt8>, _ attributes: Range<Int>
  ) throws(WireError) {
    if let details = try StructFields.string(EnvoyAttribute.codeDetails, in: bytes, attributes),
      !details.isEmpty
    {
      let text = bytes.extracting(details)
      isGateways = !text.elementsEqual(Self.viaUpstream)
      if text.elementsEqual(Self.directResponse) { wasReached = false }
    }
    if isGateways == true,
      case .number(let flags)? = try StructFields.value(
        of: EnvoyAttribute.responseFlags, in: bytes, attributes),
      flags >= 0, flags < 9e15, UInt64(flags) & Self.unreachedFlags != 0
    {
      wasReached = false
    }
    if let upstream = try StructFields.string(
      EnvoyAttribute.upstreamAddress, in: bytes, attributes),
      upstream.count <= Self.backendBytesMax
    {
      backend = String(decoding: bytes.extracting(upstream).copy(), as: UTF8.self)
    }
  }
}
