import Bytes

/// What the headers say a response body is, never the request's path. The body's first bytes have the
/// last word: content types are often wrong.
package enum ResponseFormat: Sendable, Equatable {
  /// One JSON text: `application/json`, `application/…+json` (RFC 6839, 3.1).
  case json
  /// JSON texts, one a line: `application/x-ndjson` and its like.
  case jsonLines
  /// Server-sent events: `text/event-stream` (WHATWG HTML, 9.2).
  case eventStream
  /// Audio, pictures, video and other binary data.
  case media
  /// Anything else: text, or nothing that is said.
  case other
  /// It has a content-encoding.
  case encoded

  /// The format that a content-type header states (RFC 9110, 8.3). Its parameters do not matter, not
  /// even whether they are well-formed: servers are not refused for that.
  package init(contentType: Span<UInt8>) {
    guard let essence = HeaderValue.essence(of: contentType) else {
      self = .other
      return
    }
    let type = contentType.extracting(essence)
    if type.elementsEqual(ignoringCase: "text/event-stream") {
      self = .eventStream
    } else if type.elementsEqual(ignoringCase: "application/json")
      || type.starts(withIgnoringCase: "application/")
        && type.extracting(last: 5).elementsEqual(ignoringCase: "+json")
    {
      self = .json
    } else if Self.isLines(type) {
      self = .jsonLines
    } else if type.starts(withIgnoringCase: "audio/") || type.starts(withIgnoringCase: "image/")
      || type.starts(withIgnoringCase: "video/")
      || type.elementsEqual(ignoringCase: "application/octet-stream")
    {
      self = .media
    } else {
      self = .other
    }
  }

  private static func isLines(_ type: Span<UInt8>) -> Bool {
    type.elementsEqual(ignoringCase: "application/x-ndjson")
      || type.elementsEqual(ignoringCase: "application/ndjson")
      || type.elementsEqual(ignoringCase: "application/jsonl")
      || type.elementsEqual(ignoringCase: "application/x-jsonlines")
      || type.elementsEqual(ignoringCase: "application/jsonlines")
      || type.elementsEqual(ignoringCase: "application/json-seq")
  }
}
