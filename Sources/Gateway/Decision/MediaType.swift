import Bytes

/// What a request's content-type says (RFC 9110, section 8.3).
enum MediaType: Equatable {
  case json
  case multipart
  case grpc
  case other

  /// `application/json` may carry parameters that are well-formed, `charset=utf-8` among them, and
  /// nothing that contradicts it. The others are told by their type alone: a multipart body's
  /// parameters are read with its boundary.
  init(_ value: Span<UInt8>) {
    if value.starts(withIgnoringCase: "application/grpc") {
      self = .grpc
      return
    }
    // No space in front of the type: not every reader passes over it.
    guard let essence = HeaderValue.essence(of: value), essence.lowerBound == 0 else {
      self = .other
      return
    }
    let type = value.extracting(essence)
    if type.elementsEqual(ignoringCase: "application/json") {
      self = type.count == value.count || Self.leavesUTF8(value) ? .json : .other
    } else if type.elementsEqual(ignoringCase: "multipart/form-data") {
      self = .multipart
    } else {
      self = .other
    }
  }

  private static func leavesUTF8(_ value: Span<UInt8>) -> Bool {
    HeaderValue(value)?.isReadAsUTF8 ?? false
  }
}
