/// Reads a JSON request body in one pass, whatever way it is cut: strict RFC 8259 in UTF-8, an
/// object at the top, no tree. See `BodyProblem` for what is refused.
///
/// A lone surrogate escape is grammatical (RFC 8259, 8.2) and is accepted, except in `model`.
/// `null` means that the member is absent, but it counts when a key is repeated.
package struct RequestScanner {
  /// What bounds a body besides its size.
  package struct Limits: Sendable {
    /// Containers inside each other, the outermost included; at most 1,024.
    package var depthMax = 256
    /// Bytes of the model's name, unescaped.
    package var modelBytesMax = 256
    package init() {}
  }

  /// What may come next.
  enum State: UInt8 {
    case start, markSecond, markThird
    case value, valueOrEnd, memberOrEnd, member, colon, separator, end
    case literal
    case minus, zero, integer, point, fraction, exponentMark, exponentSign, exponent
    case string, escape, unicodeEscape, sequence
    case failed

    /// Whether whitespace and structural characters are what may come.
    @inline(__always)
    var isStructural: Bool { rawValue <= State.end.rawValue }
  }

  let limits: Limits
  let hasWideProse = ByteRun.hasWideProse
  var state = State.start
  /// Bytes of the body before the chunk at hand.
  var consumed = 0
  var nesting = Nesting()
  var facts = RequestFacts()

  /// Why this is not JSON; nothing more is read then.
  var failure: BodyProblem?
  /// The first thing wrong with what it says. The rest is read on, for it may not be JSON at all.
  var objection: BodyProblem?

  /// The inspected member whose value comes next or is being read, and where that began.
  var target: InspectedKey?
  var valueStart = 0
  var keysSeen: UInt16 = 0
  var isInStreamOptions = false
  var streamOptionsStart = 0

  var string = StringReading()
  var model: [UInt8] = []
  var modelIsValid = true
  var literal = Literal.null
  /// The bytes of the literal that are still to come, the next one lowest.
  var literalRest: UInt32 = 0
  var integer = IntegerReading()

  package init(limits: Limits = Limits()) {
    precondition((1...Nesting.capacity).contains(limits.depthMax), "depthMax is out of range")
    self.limits = limits
  }

  /// The next bytes. After a problem, further bytes are ignored.
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

  /// The model that the body names, as soon as it has named one: what `finish` will say unless it
  /// refuses the body.
  package var modelSoFar: [UInt8]? { facts.model }

  /// The end of the body.
  package mutating func finish() throws(BodyProblem) -> RequestFacts {
    if let failure { throw failure }
    guard state == .end else { throw .invalidJSON(offset: consumed, reason: .truncated) }
    if let objection { throw objection }
    facts.byteCount = consumed
    return facts
  }

  /// Notes that this is not JSON. Called once.
  mutating func fail(_ reason: BodyProblem.Reason, at offset: Int) {
    failure = .invalidJSON(offset: offset, reason: reason)
    state = .failed
  }
}
