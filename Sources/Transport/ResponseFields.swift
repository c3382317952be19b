/// The header blocks of responses (gRPC over HTTP/2, Responses). The two that every good call needs
/// are made once for each session.
struct ResponseFields {
  /// The headers before the first message.
  let headers = FieldBlock([
    .literal(":status", "200"), .literal("content-type", "application/grpc"),
  ])
  /// The trailers of a call that ends with OK.
  let trailersOK = FieldBlock([.literal("grpc-status", "0")])

  /// The trailers for `end`; with `only` the whole answer, where nothing was sent before it
  /// (Trailers-Only). `acceptEncoding` tells the client which encodings are accepted.
  static func trailers(_ end: CallEnd, only: Bool, acceptEncoding: Bool) -> FieldBlock {
    var fields: [FieldBlock.Field] = []
    if only {
      fields = [.literal(":status", "200"), .literal("content-type", "application/grpc")]
    }
    switch end {
    case .ok: fields.append(.literal("grpc-status", "0"))
    case .failed(let failure):
      fields.append(.bytes("grpc-status", [UInt8]("\(failure.code.rawValue)".utf8)))
      if !failure.message.isEmpty {
        fields.append(.bytes("grpc-message", GRPCMessageText.encode(failure.message)))
      }
    }
    if acceptEncoding { fields.append(.literal("grpc-accept-encoding", "identity")) }
    return FieldBlock(fields)
  }

  /// A plain HTTP answer with a text body, for what is not gRPC.
  static func plain(_ refusal: HTTPRefusal) -> FieldBlock {
    switch refusal {
    case .unsupportedMediaType:
      FieldBlock([.literal(":status", "415"), .literal("content-type", "text/plain")])
    case .methodNotAllowed:
      FieldBlock([
        .literal(":status", "405"), .literal("content-type", "text/plain"),
        .literal("allow", "POST"),
      ])
    }
  }
}

/// Why a request that is not gRPC is refused with an HTTP status.
enum HTTPRefusal {
  case unsupportedMediaType, methodNotAllowed

  /// The answer's body.
  var text: [UInt8] {
    switch self {
    case .unsupportedMediaType:
      [UInt8]("This port speaks gRPC: content-type application/grpc.\n".utf8)
    case .methodNotAllowed: [UInt8]("This port speaks gRPC: method POST.\n".utf8)
    }
  }
}
