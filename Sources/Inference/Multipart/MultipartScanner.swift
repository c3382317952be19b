/// Reads a `multipart/form-data` body (RFC 7578) in one pass, however it is cut into chunks: the
/// fields `model`, `stream` and those that need a model's `allow_fields`; files are skipped quickly. The counterpart of `RequestScanner`.
///
/// Stricter than RFC 2046 where parsers differ: before the first delimiter only an empty line is
/// accepted, after the closing delimiter only a line end, no padding after a boundary, and no line
/// that begins with the boundary without being a delimiter.
package struct MultipartScanner {
  /// The limits on a form, besides its size.
  struct Limits: Sendable {
    /// Bytes of the model's name.
    var modelBytesMax = 256
    /// Bytes of one part's header lines.
    var headerBytesMax = 8192
    /// Parts of one form.
    var partsMax = 256
  }

  /// What has been read, and so what may come next. `…Return` is after a carriage return.
  enum State {
    /// Before the end of the first delimiter; after a delimiter; in a part's headers; in its content.
    case opening, delimited, delimitedReturn, headerLine, headerReturn, content
    /// In the closing delimiter; after it; after the line end behind it.
    case closing, closed, closedReturn, end
    case failed
  }

  let limits: Limits
  let boundary: MultipartBoundary
  var state = State.opening
  /// Bytes of the body before the current chunk.
  var consumed = 0
  var facts = RequestFacts()

  /// Why this is not a valid form. Nothing more is read then.
  var failure: BodyProblem?
  /// The first problem with a field. Reading goes on, because a body that is not a valid form is
  /// reported as that, whatever else is wrong.
  var objection: BodyProblem?

  /// Bytes of the boundary's pattern that have matched so far. The first delimiter has no line feed
  /// before it, so a body begins with that one matched.
  var matched = 1
  /// Whether a carriage return came just before the line feed of the match.
  var matchHasReturn = false
  var previousByte: UInt8 = 0

  var parts = 0
  var part = MultipartPart()
  var line: [UInt8] = []
  var headerBytes = 0
  var contentStart = 0
  /// The inspected field that is being read; nil in any other part. `captured` holds its content and,
  /// at its end, the bytes of the delimiter; `capturedAll` is false where the content is too long.
  var field: InspectedKey?
  var captured: [UInt8] = []
  var capturedAll = true
  var keysSeen: UInt64 = 0

  /// Makes a scanner for the boundary that a content-type value gives; nil where that is not
  /// multipart/form-data with one usable boundary (RFC 2046, 5.1.1).
  package init?(contentType: Span<UInt8>) {
    self.init(contentType: contentType, limits: Limits())
  }

  /// As `init(contentType:)`, with other limits.
  init?(contentType: Span<UInt8>, limits: Limits) {
    guard let boundary = MultipartBoundary(contentType: contentType) else { return nil }
    self.boundary = boundary
    self.limits = limits
  }

  /// Reads the next chunk of the body. After a failure further bytes are ignored.
  package mutating func scan(_ bytes: Span<UInt8>) {
    var index = 0
    while index < bytes.count, state != .failed {
      if state == .content {
        index = scanContent(bytes, from: index)
      } else {
        take(bytes[index], at: consumed + index)
        index += 1
      }
    }
    consumed += bytes.count
    if bytes.count > 0 { previousByte = bytes[bytes.count - 1] }
  }

  /// The body is complete: what was found, or the problem for which it is refused.
  package mutating func finish() throws(BodyProblem) -> RequestFacts {
    if let failure { throw failure }
    guard state == .closed || state == .end else { throw .invalidMultipart(offset: consumed) }
    if let objection { throw objection }
    facts.byteCount = consumed
    return facts
  }

  /// Records that this is not a valid form. Called at most once.
  mutating func fail(at offset: Int) {
    failure = .invalidMultipart(offset: offset)
    state = .failed
  }

  /// Records a problem with a field; only the first one is kept.
  mutating func refuse(_ problem: BodyProblem) {
    if objection == nil { objection = problem }
  }
}
