/// Reads a JSON text (RFC 8259) for what `ResponseEvent` holds, in constant space: one byte array
/// of names, one word of open containers.
///
/// It refuses nothing: where a text is no JSON object it says nothing more. The text may be cut
/// anywhere. In a stream's event it stops at the line's end and goes on in the next data line.
struct ResponseScanner {
  enum State {
    /// Before the root's brace; in an object before a key or the closing brace.
    case start, member, colon
    /// Before a value or the closing bracket; after a value.
    case value, separator
    /// Inside `true`, a number that does not matter, a number that does.
    case bare, number
    case string, escape, unicodeEscape
    /// Inside a container that does not matter.
    case skip
    /// After the root; after something that is no JSON object.
    case end, broken

    /// Whether blanks mean nothing there.
    var isStructural: Bool {
      switch self {
      case .start, .member, .colon, .value, .separator, .bare, .number: true
      case .string, .escape, .unicodeEscape, .skip, .end, .broken: false
      }
    }
  }

  /// What a string is for.
  enum Role { case ignored, content, reasoning, reasoningContent, delta, key, kind, finish, status }

  /// The longest word that is read: `response.function_call_arguments.delta` need not be.
  static let wordBytesMax = 32

  let isEvent: Bool
  var event = ResponseEvent()
  var state = State.start
  /// The place inside, and those around it, the nearest lowest: at most seven.
  var place = ResponsePlace.root
  var outerPlaces: UInt64 = 0
  var member = ResponseMember.ignored
  var skippedDepth = 0

  var role = Role.ignored
  var word = InlineArray<32, UInt8>(repeating: 0)
  var wordCount = 0
  var unit: UInt32 = 0
  var digitsLeft: UInt8 = 0

  var number = TokenCountReading()
  var usage = UsageFields()
  /// The bytes of `[DONE]` that have come, in place of an object.
  var doneBytes = 0

  init(isEvent: Bool) { self.isEvent = isEvent }

  /// The text that ends an OpenAI stream.
  var isDone: Bool { state == .broken && doneBytes == 6 }

  /// Whether the whole object has been read.
  var isComplete: Bool { state == .end }

  /// Whether anything has come since the last text.
  var hasBegun: Bool { state != .start }

  /// Whether it can still turn out to be a chunk that brings nothing but usage.
  var mayBeUsageChunk: Bool { !event.hasChoices && !event.hasError && state != .broken }

  /// Whether it is one.
  var isUsageChunk: Bool { mayBeUsageChunk && isComplete && event.usagePlace == .top }

  /// Begins with the next text.
  mutating func reset() {
    event = ResponseEvent()
    state = .start
    outerPlaces = 0
    doneBytes = 0
    skippedDepth = 0
  }

  @inline(__always)
  static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  /// Reads on. In an event it stops before a line break; returns the index of the first byte left.
  mutating func scan(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      switch state {
      case .string:
        index = scanString(bytes, from: index)
      case .skip:
        index = skip(bytes, from: index)
      case .escape, .unicodeEscape:
        if isEvent, Self.isLineBreak(bytes[index]) {
          state = .broken
        } else {
          takeEscape(bytes[index])
          index += 1
        }
      case .end, .broken:
        index = pass(bytes, from: index)
      case .start, .member, .colon, .value, .separator, .bare, .number:
        index = scanStructure(bytes, from: index)
      }
      if isEvent, index < bytes.count, Self.isLineBreak(bytes[index]) { return index }
    }
    return index
  }

  /// The rest of a text that is read no further.
  private mutating func pass(_ bytes: Span<UInt8>, from start: Int) -> Int {
    guard isEvent else { return bytes.count }
    var index = start
    while index < bytes.count, !Self.isLineBreak(bytes[index]) {
      if state == .broken { matchDone(bytes[index]) }
      index += 1
    }
    return index
  }

  /// `[DONE]`; blanks may follow it.
  mutating func matchDone(_ byte: UInt8) {
    let marker: StaticString = "[DONE]"
    if doneBytes < 6, unsafe byte == marker.utf8Start[doneBytes] {
      doneBytes += 1
    } else if doneBytes != 6 || byte != 0x20 {
      doneBytes = .max
    }
  }

  /// The data of an event goes on in another line: the lines are joined by a line feed, which ends a
  /// number or a literal.
  mutating func breakLine() {
    switch state {
    case .number: endNumber()
    case .bare: state = .separator
    case .broken: doneBytes = .max
    case .start, .member, .colon, .value, .separator, .string, .escape, .unicodeEscape, .skip, .end:
      break
    }
  }

  /// Passes over a container that does not matter.
  private mutating func skip(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      // `[` and `{`, `]` and `}` differ in one bit; no line break is among them.
      switch byte | 0x20 {
      case UInt8(ascii: "{"):
        skippedDepth += 1
      case UInt8(ascii: "}"):
        skippedDepth -= 1
        if skippedDepth == 0 {
          state = .separator
          return index
        }
      case UInt8(ascii: "\"") where byte == UInt8(ascii: "\""):
        if let length = ByteRun.plainString(bytes, from: index) {
          index += length + 1
        } else {
          role = .ignored
          state = .string
          return index
        }
      default:
        if isEvent, Self.isLineBreak(byte) { return index - 1 }
      }
    }
    return index
  }
}
