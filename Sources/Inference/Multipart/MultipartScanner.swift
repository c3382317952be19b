/// The same as `RequestScanner` for `multipart/form-data` (RFC 7578): reads the fields `model` and
/// `stream`, whatever way the body is cut, and passes over files quickly.
///
/// Stricter than RFC 2046 where parsers differ: no preamble but an empty line, nothing after the
/// closing delimiter but a line end, no padding after a boundary, no line that begins with the
/// boundary and is no delimiter.
package struct MultipartScanner {
  /// What bounds a form besides its size.
  package struct Limits: Sendable {
    /// Bytes of the model's name.
    package var modelBytesMax = 256
    /// Bytes of one part's header lines.
    package var headerBytesMax = 8192
    package var partsMax = 256
    package init() {}
  }

  /// What may come next.
  enum State {
    /// The first delimiter; what follows one; the parts.
    case opening, delimited, delimitedReturn, headerLine, headerReturn, content
    /// The closing delimiter and the line end after it.
    case closing, closed, closedReturn, end
    case failed
  }

  let limits: Limits
  let boundary: MultipartBoundary
  var state = State.opening
  /// Bytes of the body before the chunk at hand.
  var consumed = 0
  var facts = RequestFacts()

  /// Why this is not a form; nothing more is read then.
  var failure: BodyProblem?
  /// The first thing wrong with a field. The rest is read on, for it may not be a form at all.
  var objection: BodyProblem?

  /// Bytes of the boundary's pattern that have been seen. A body begins as if after a line feed.
  var matched = 1
  /// Whether a carriage return came before the line feed that began the pattern.
  var matchHasReturn = false
  var previousByte: UInt8 = 0

  var parts = 0
  var part = MultipartPart()
  var line: [UInt8] = []
  var headerBytes = 0
  var contentStart = 0
  /// The field that is being read, if it is one of ours; its bytes and what follows of a delimiter.
  var field: InspectedKey?
  var captured: [UInt8] = []
  var capturedAll = true
  var keysSeen: UInt16 = 0

  /// From a content-type value; nil where it is not multipart/form-data with a usable boundary (RFC
  /// 2046, 5.1.1).
  package init?(contentType: Span<UInt8>) {
    self.init(contentType: contentType, limits: Limits())
  }

  /// The same, with other limits.
  package init?(contentType: Span<UInt8>, limits: Limits) {
    guard let boundary = MultipartBoundary(contentType: contentType) else { return nil }
    self.boundary = boundary
    self.limits = limits
  }

  /// The next bytes. After a problem, further bytes are ignored.
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

  /// The end of the body.
  package mutating func finish() throws(BodyProblem) -> RequestFacts {
    if let failure { throw failure }
    guard state == .closed || state == .end else { throw .invalidMultipart(offset: consumed) }
    if let objection { throw objection }
    facts.byteCount = consumed
    return facts
  }

  /// Notes that this is no form. Called once.
  mutating func fail(at offset: Int) {
    failure = .invalidMultipart(offset: offset)
    state = .failed
  }

  /// Notes what is wrong with a field, if it is the first such thing.
  mutating func refuse(_ problem: BodyProblem) {
    if objection == nil { objection = problem }
  }
}
