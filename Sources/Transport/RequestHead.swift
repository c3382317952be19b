import Bytes

/// What the transport keeps of a request's header block: a few facts and no strings, so that a
/// request costs no allocation.
struct RequestHead {
  /// What the request's `content-type` says.
  enum ContentType { case absent, grpc, other }
  /// What `grpc-encoding` says about compressed messages.
  enum Encoding { case absent, identity, other }
  /// The request's `:method`; only POST is served, and an answer to HEAD has no body.
  enum Method { case post, head, other }

  var streamID: Int32 = 0
  var method = Method.other
  var contentType = ContentType.absent
  var encoding = Encoding.absent
  var timeout = GRPCTimeout.Field.absent
  /// Where the path lies in the session's `paths`.
  var pathStart = 0
  /// The path's length; 0 where it is over `pathBytesMax`, so that it is no method's.
  var pathCount = 0
  /// The size of the header list so far, as RFC 9113, 6.5.2 counts it.
  var listBytes = 0
  /// The fields so far.
  var fieldCount = 0

  /// Counts a field; false when the header list is over a limit.
  @inline(__always)
  mutating func count(nameBytes: Int, valueBytes: Int, limits: TransportLimits) -> Bool {
    fieldCount += 1
    listBytes += nameBytes + valueBytes + 32
    return fieldCount <= limits.headerCountMax && listBytes <= limits.headerListBytesMax
  }

  /// Notes what one field says, if it matters. A `:path` of at most `pathBytesMax` is appended to
  /// `path`.
  @inline(__always)
  mutating func note(
    name: Span<UInt8>, value: Span<UInt8>, path: inout [UInt8], pathBytesMax: Int
  ) {
    switch name.count {
    case 5 where name.elementsEqual(":path"):
      guard value.count <= pathBytesMax else { return }
      pathStart = path.count
      pathCount = value.count
      path.append(value)
    case 7 where name.elementsEqual(":method"):
      method = value.elementsEqual("POST") ? .post : value.elementsEqual("HEAD") ? .head : .other
    case 12 where name.elementsEqual("content-type"):
      contentType = Self.isGRPC(value) ? .grpc : .other
    case 12 where name.elementsEqual("grpc-timeout"):
      timeout = GRPCTimeout.parse(value)
    case 13 where name.elementsEqual("grpc-encoding"):
      encoding = value.elementsEqual("identity") ? .identity : .other
    default: break
    }
  }

  /// Whether a content-type is gRPC with protobuf messages: `application/grpc`, or
  /// `application/grpc+proto`, with or without parameters.
  private static func isGRPC(_ value: Span<UInt8>) -> Bool {
    guard value.count >= 16, value.extracting(first: 16).elementsEqual("application/grpc") else {
      return false
    }
    var rest = value.extracting(droppingFirst: 16)
    if rest.count >= 6, rest.extracting(first: 6).elementsEqual("+proto") {
      rest = rest.extracting(droppingFirst: 6)
    }
    return rest.isEmpty || rest[0] == UInt8(ascii: ";") || rest[0] == UInt8(ascii: " ")
  }
}
