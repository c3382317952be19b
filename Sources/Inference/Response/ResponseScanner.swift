/// Reads a JSON text (RFC 8259) into a `ResponseEvent`, in constant space: one fixed buffer for names
/// and one word for the open objects and arrays.
///
/// It refuses nothing: a text that is not a JSON object is read no further, and its bytes are counted. The
/// text may be cut anywhere. An event of a stream is read up to the line's end, and goes on with the
/// next data line.
struct ResponseScanner {
  /// What has been read, and so what may come next.
  enum State {
    /// Before the root's brace; in an object before a key or the closing brace; after a key.
    case start, member, colon
    /// Before a value or the closing bracket; after a value.
    case value, separator
    /// Inside a literal or a number that is ignored; inside a number that is read.
    case bare, number
    case string, escape, unicodeEscape
    /// Inside an object or array that is skipped.
    case skip
    /// After the root; in a text that is not a JSON object.
    case end, broken

    /// Whether whitespace has no meaning there.
    var isStructural: Bool {
      switch self {
      case .start, .member, .colon, .value, .separator, .bare, .number: true
      case .string, .escape, .unicodeEscape, .skip, .end, .broken: false
      }
    }
  }

  /// What a string is for.
  enum Role {
    case ignored, content, reasoning, reasoningContent, reasoningDetail, delta, media, logprobs
    case unknown, count
    case key, kind, itemKind, object, finish, status, tier, speed, region, modality, error
  }

  /// The most bytes kept of a key or a short value. All known ones fit; a longer one is unknown.
  static let wordBytesMax = 32

  let isEvent: Bool
  /// Whether the root's members have the names of an event's.
  var hasEventNames: Bool
  var event = ResponseEvent()
  var state = State.start
  /// The place being read, and in `outerPlaces` those around it, a byte each, the nearest lowest. There
  /// are never more than seven.
  var place = ResponsePlace.root
  var outerPlaces: UInt64 = 0
  var member = ResponseMember.ignored
  var skippedDepth = 0
  /// What the bytes of the object or array are for that is skipped.
  var skippedRole = Role.ignored

  var role = Role.ignored
  var word = InlineArray<32, UInt8>(repeating: 0)
  var wordCount = 0
  var unit: UInt32 = 0
  var digitsLeft: UInt8 = 0

  var number = TokenCountReading()
  var usage = UsageFields()
  /// Of the count for one kind of content that is being read: what it is for, and how many.
  var kindField: UsageField?
  var kindCount = TokenCountReading()
  /// How many bytes of `[DONE]` have come; `.max` where the text is something else.
  var doneBytes = 0

  /// `isEvent`: the text is the data of an event, and so stands in one line or several.
  init(isEvent: Bool, hasEventNames: Bool? = nil) {
    self.isEvent = isEvent
    self.hasEventNames = hasEventNames ?? isEvent
  }

  /// Whether the text is `[DONE]`, which ends an OpenAI stream.
  var isDone: Bool { state == .broken && doneBytes == 6 }

  /// Whether the whole object has been read.
  var isComplete: Bool { state == .end }

  /// Whether the text can go on: it is not over, and nothing that is no JSON was in it.
  var isOpen: Bool { state != .end && state != .broken }

  /// Whether anything of the current text has come.
  var hasBegun: Bool { state != .start }

  /// Whether the text can still turn out to be a chunk that holds nothing but usage.
  var mayBeUsageChunk: Bool { !event.hasChoices && !event.isError && state != .broken }

  /// Whether the text is a chunk that holds nothing but usage.
  var isUsageChunk: Bool { mayBeUsageChunk && isComplete && event.usagePlace == .top }

  /// Makes ready for the next text.
  mutating func reset() {
    event = ResponseEvent()
    state = .start
    outerPlaces = 0
    doneBytes = 0
    skippedDepth = 0
    skippedRole = .ignored
  }

  @inline(__always)
  static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  /// Reads the next bytes: an event's only up to a line break, any other text's only up to its end.
  /// Returns the index of the next unread byte.
  mutating func scan(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let begun = index
      switch state {
      case .string:
        let isSkipped = skippedDepth > 0
        index = scanString(bytes, from: index)
        if isSkipped { countSkipped(index - begun) }
      case .skip:
        index = skip(bytes, from: index)
        countSkipped(index - begun)
      case .escape, .unicodeEscape:
        if isEvent, Self.isLineBreak(bytes[index]) {
          state = .broken
        } else {
          takeEscape(bytes[index])
          index += 1
          if skippedDepth > 0 { countSkipped(1) }
        }
      case .end where !isEvent:
        return index
      case .end, .broken:
        index = pass(bytes, from: index)
      case .start, .member, .colon, .value, .separator, .bare, .number:
        index = scanStructure(bytes, from: index)
      }
      if isEvent, index < bytes.count, Self.isLineBreak(bytes[index]) { return index }
    }
    return index
  }

  /// Skips the rest of a text that is read no further.
  private mutating func pass(_ bytes: Span<UInt8>, from start: Int) -> Int {
    guard isEvent else {
      event.brokenBytes += bytes.count - start
      return bytes.count
    }
    var index = start
    while index < bytes.count, !Self.isLineBreak(bytes[index]) {
      if state == .broken {
        matchDone(bytes[index])
        if doneBytes == .max { event.brokenBytes += 1 }
      }
      index += 1
    }
    return index
  }

  /// Counts bytes of an object or array that is skipped, if they are for anything; its closing bracket,
  /// which ends it, is not.
  @inline(__always)
  private mutating func countSkipped(_ count: Int) {
    guard skippedRole != .ignored else { return }
    let isOver = skippedDepth == 0
    take(isOver ? count - 1 : count, as: skippedRole)
    if isOver { skippedRole = .ignored }
  }

  /// Adds bytes to what their role counts; for words there is nothing to count.
  @inline(__always)
  mutating func take(_ count: Int, as role: Role) {
    switch role {
    case .content: event.contentBytes += count
    case .reasoning: event.reasoningBytes += count
    case .reasoningContent: event.reasoningContentBytes += count
    case .reasoningDetail: event.reasoningDetailBytes += count
    case .delta: event.deltaBytes += count
    case .media: event.mediaBytes += count
    case .logprobs: event.logprobBytes += count
    case .unknown: event.unknownBytes += count
    case .error: event.hasError = true
    case .ignored, .key, .kind, .itemKind, .object, .finish, .status, .tier, .speed, .region,
      .modality, .count:
      break
    }
  }

  /// Compares the next byte with `[DONE]`, which spaces may follow.
  mutating func matchDone(_ byte: UInt8) {
    let marker: StaticString = "[DONE]"
    if doneBytes < 6, unsafe byte == marker.utf8Start[doneBytes] {
      doneBytes += 1
    } else if doneBytes != 6 || byte != 0x20 {
      doneBytes = .max
    }
  }

  /// An event's data goes on in another `data` line. The lines are joined by a line feed, which ends a
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

  /// Skips an object or array.
  private mutating func skip(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      // `[` and `{` differ in one bit, and so do `]` and `}`. No line break maps onto them.
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
