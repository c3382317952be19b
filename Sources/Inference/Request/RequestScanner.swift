/// Reads a JSON request body in one pass, however it is cut into chunks, and builds no tree. The body
/// must be strict RFC 8259 in UTF-8 with an object at the top; see `BodyProblem` for what is refused.
///
/// A lone surrogate escape is allowed by the grammar (RFC 8259, 8.2) and accepted, except in `model`.
/// A member that is `null` counts as absent, but giving it twice is refused like for any other.
package struct RequestScanner {
  /// The limits on a body, besides its size.
  struct Limits: Sendable {
    /// Nested objects and arrays, the outermost included; at most 1,024.
    var depthMax = 256
    /// Bytes of a model's name or of an id, unescaped.
    var modelBytesMax = 256
    /// Members that need the model's `allow_fields`, and names of models in one.
    var guardedMax = 64
    /// Items of `input` that refer to earlier ones.
    var referencesMax = 1_000
  }

  /// What has been read, and so what may come next. The structural states come first: `isStructural`
  /// compares raw values.
  enum State: UInt8 {
    case start, markSecond, markThird
    case value, valueOrEnd, memberOrEnd, member, colon, separator, end
    case literal
    case minus, zero, integer, point, fraction, exponentMark, exponentSign, exponent
    case string, escape, unicodeEscape, sequence
    case failed

    /// Whether whitespace and structural characters may come next.
    @inline(__always)
    var isStructural: Bool { rawValue <= State.end.rawValue }
  }

  let limits: Limits
  let hasWideProse = ByteRun.hasWideProse
  var state = State.start
  /// Bytes of the body before the current chunk.
  var consumed = 0
  var nesting = Nesting()
  var facts = RequestFacts()

  /// Why this is not valid JSON. Nothing more is read then.
  var failure: BodyProblem?
  /// The first problem with an inspected member. Reading goes on, because a body that is not valid
  /// JSON is reported as that, whatever else is wrong.
  var objection: BodyProblem?

  /// The inspected member whose value comes next or is being read; nil for any other.
  var target: InspectedKey?
  /// Whether its key is spelled as documented.
  var targetIsExact = true
  /// Whether its value needs the model's `allow_fields`.
  var isGuarded = false
  /// The offset at which its value begins.
  var valueStart = 0
  /// The inspected keys that may come once and have come, one bit each.
  var keysSeen: UInt64 = 0

  /// What the innermost open object or array is, and those around it.
  var scope = RequestScope.none
  var scopes = InlineArray<16, RequestScope>(repeating: .none)
  /// What the value of the last key is, if it is an object or array.
  var pending = RequestScope.none

  /// The offset at which the `stream_options` or `conversation` begins that is open.
  var scopeStart = 0
  /// The list of prompts that is open.
  var prompts = PromptReading()
  /// The member whose list of models' names is open.
  var listed = InspectedKey.models
  /// The item of `input` that is open, and the `source` of a part.
  var item = ItemReading()
  var source = SourceReading()

  var string = StringReading()
  /// The value that is kept, as long as it is valid and within its limit.
  var captured: [UInt8] = []
  var capturedIsValid = true
  var literal = Literal.null
  /// The bytes of the literal that are still to come; the next one is the lowest.
  var literalRest: UInt32 = 0
  var integer = IntegerReading()
  /// The offset at which a number began that is read by itself.
  var numberStart = 0

  /// A scanner at the beginning of a body.
  package init() { self.init(limits: Limits()) }

  /// As `init()`, with other limits. `depthMax` must be from 1 to `Nesting.capacity`.
  init(limits: Limits) {
    precondition((1...Nesting.capacity).contains(limits.depthMax), "depthMax is out of range")
    self.limits = limits
  }

  /// Reads the next chunk of the body. After a failure further bytes are ignored.
  package mutating func scan(_ bytes: Span<UInt8>) {
    var index = 0
    scanning: while index < bytes.count {
      switch state {
      case .string:
        index = scanString(bytes, from: index)
      case .minus, .zero, .integer, .point, .fraction, .exponentMark, .exponentSign, .exponent:
        index = scanNumber(bytes, from: index)
      case .escape, .unicodeEscape, .sequence:
        takeInString(bytes[index], at: consumed + index)
        index += 1
      case .literal:
        takeInLiteral(bytes[index], at: consumed + index)
        index += 1
      case .value, .valueOrEnd, .memberOrEnd, .member, .colon, .separator, .end, .start,
        .markSecond, .markThird:
        index = scanStructure(bytes, from: index)
      case .failed:
        break scanning
      }
    }
    consumed += bytes.count
  }

  /// The model that the body names, once its value has been read; nil before. `finish` may still
  /// refuse the body.
  package var modelSoFar: [UInt8]? { facts.model }

  /// The body is complete: what was found, or the problem for which it is refused.
  package mutating func finish() throws(BodyProblem) -> RequestFacts {
    if let failure { throw failure }
    guard state == .end else { throw .invalidJSON(offset: consumed, reason: .truncated) }
    if let objection { throw objection }
    facts.byteCount = consumed
    return facts
  }

  /// Records that this is not valid JSON. Called at most once.
  mutating func fail(_ reason: BodyProblem.Reason, at offset: Int) {
    failure = .invalidJSON(offset: offset, reason: reason)
    state = .failed
  }
}
