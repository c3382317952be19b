import Bytes

/// How a response body is read. The content-type header decides, never the request's path.
package enum ResponseFormat: Sendable, Equatable {
  /// One JSON text: `application/json`, `application/…+json` (RFC 6839, 3.1).
  case json
  /// Server-sent events: `text/event-stream` (WHATWG HTML, 9.2).
  case eventStream
  /// Anything else (audio, images): not read.
  case other

  /// The format that a content-type header states (RFC 9110, 8.3); its parameters are ignored.
  package init(contentType: Span<UInt8>) {
    guard let value = HeaderValue(contentType)?.value ?? Self.essence(of: contentType) else {
      self = .other
      return
    }
    if value.span.isText("text/event-stream") {
      self = .eventStream
    } else if value.span.isText("application/json")
      || value.starts(with: "application/".utf8) && value.suffix(5).elementsEqual("+json".utf8)
    {
      self = .json
    } else {
      self = .other
    }
  }

  /// The media type alone, where the parameters are malformed: a response is metered all the same.
  private static func essence(of text: Span<UInt8>) -> [UInt8]? {
    var end = 0
    while end < text.count, text[end] != UInt8(ascii: ";") { end += 1 }
    return HeaderValue(text.extracting(0..<end))?.value
  }
}

extension Span<UInt8> {
  /// Whether these are exactly the bytes of an ASCII literal.
  @inline(__always)
  func isText(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where unsafe self[index] != text.utf8Start[index] { return false }
    return true
  }
}
