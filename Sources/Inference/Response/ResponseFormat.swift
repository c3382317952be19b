import Bytes

/// How a response body is read. The content-type header decides, never the request's path.
package enum ResponseFormat: Sendable, Equatable {
  /// One JSON text: `application/json`, `application/…+json` (RFC 6839, 3.1).
  case json
  /// Server-sent events: `text/event-stream` (WHATWG HTML, 9.2).
  case eventStream
  /// Anything else (audio, images): not read.
  case other

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
    } else {
      self = .other
    }
  }
}
