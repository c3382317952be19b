import Bytes
import EnvoyAPI
import Terms

/// What Envoy says of a response at its beginning: the headers that metering needs, and whose answer it
/// is. Ranges are in the message's bytes.
struct ResponseHead {
  /// Header fields, `:status` among them, as Envoy counts them.
  private(set) var count = 0
  /// The bytes of their names and values.
  private(set) var byteCount = 0
  /// `:status`; nil where it is no number.
  private(set) var status: Int?
  private(set) var contentType = 0..<0
  /// `content-length`; nil where there is none.
  private(set) var bodyBytes: Int?
  /// The body has a content-encoding other than `identity`: it cannot be read.
  private(set) var isEncoded = false
  /// Who gave the answer; known when the attributes were read, behind the headers.
  private(set) var source = AnswerSource.unknown
  /// `upstream.address`: the host that was tried.
  private(set) var backend: String?
  /// Why flow control dropped the request; nil on a backend's own answer.
  private(set) var droppedReason: DroppedReason?
  private var dropped: Range<Int>?

  /// The longest word of a dropped request that is looked at, in bytes.
  private static let droppedReasonBytesMax = 64

  private static let statusName: StaticString = ":status"
  private static let contentTypeName: StaticString = "content-type"
  private static let contentEncodingName: StaticString = "content-encoding"
  private static let droppedReasonName: StaticString = "x-llm-d-request-dropped-reason"
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
    byteCount += name.count + value.count
    switch name.count {
    case 7 where name.elementsEqual(Self.statusName):
      status = Self.number(bytes.extracting(value))
    case 12 where name.elementsEqual(Self.contentTypeName): contentType = value
    case 14 where name.elementsEqual(Self.contentLengthName):
      bodyBytes = Self.number(bytes.extracting(value))
    case 16 where name.elementsEqual(Self.contentEncodingName):
      let coding = bytes.extracting(value)
      // The header may come several times, one coding each.
      if !coding.isEmpty, !coding.elementsEqual(ignoringCase: Self.identity) { isEncoded = true }
    case 30 where name.elementsEqual(Self.droppedReasonName): dropped = value
    default: break
    }
  }

  /// Digits and nothing else, of which an Int holds so many.
  private static func number(_ text: Span<UInt8>) -> Int? {
    guard !text.isEmpty, text.count <= 18 else { return nil }
    var number = 0
    for index in text.indices {
      guard (0x30...0x39).contains(text[index]) else { return nil }
      number = number * 10 + Int(text[index] & 0x0f)
    }
    return number
  }

  /// `attributes`: the Struct of the filter's attributes.
  mutating func readAttributes(
    in bytes: Span<UInt8>, _ attributes: Range<Int>
  ) throws(WireError) {
    let told = try ResponseAttributes(in: bytes, attributes)
    backend = told.backend(in: bytes)
    source = told.source(in: bytes)
    if let dropped, case .envoy(let wasReached) = source {
      let reason = Self.droppedReason(bytes.extracting(dropped))
      droppedReason = reason
      source = .envoy(wasReached: wasReached || reason.wasDispatched)
    }
  }

  private static func droppedReason(_ word: Span<UInt8>) -> DroppedReason {
    guard word.count <= droppedReasonBytesMax else { return .other }
    return DroppedReason(rawValue: String(decoding: word.copy(), as: UTF8.self)) ?? .other
  }
}
