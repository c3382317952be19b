import Bytes

/// Splits a stream into server-sent events (WHATWG HTML, 9.2.5 and 9.2.6) and reads the data of each.
///
/// Lines end with CR LF, LF or CR; a byte order mark may come first; comments, other fields and
/// events without data are ignored. The last event counts even if the stream ends before the empty
/// line that closes it.
///
/// Two mistakes of servers are read as they are meant: a JSON text that goes on in lines without `data:`,
/// and events without an empty line between them.
struct EventStreamReader {
  private enum Line {
    /// At its first byte; in a field's name; after the colon; in the value of `data`; in the value of
    /// `event`; in a comment or the value of any other field.
    case start, name, colon, data, eventName, ignored
  }

  private enum Field { case data, event, other }

  private var scanner = ResponseScanner(isEvent: true)
  private var filter: UsageChunkFilter?
  private var tally: UsageTally
  private var line = Line.start
  private var field = Field.other
  /// The last eight bytes of the field's name, or of the value of `event`, as one number, the last byte
  /// lowest; and how many bytes there were: 9 stands for any more.
  private var packed: UInt64 = 0
  private var packedCount = 0
  private var isEventOpen = false
  /// The event has a line of data.
  private var hasData = false
  /// The event has a whole text before the one that is read: it is not removed.
  private var isMixed = false
  private var markBytes = 0
  /// The last byte was a carriage return: a line feed that comes next belongs to it.
  private var skipsLineFeed = false
  /// That line feed is removed too, because the event that it ends was.
  private var removesLineFeed = false

  /// `removesUsageChunk`: chunks that hold nothing but usage are kept from the client.
  init(removesUsageChunk: Bool) {
    filter = removesUsageChunk ? UsageChunkFilter() : nil
    tally = UsageTally()
  }

  /// A reader behind the name and the colon of the stream's first line, which were sent on: that event
  /// is not removed. The name is packed as `packed` is; an empty one begins a comment.
  init(afterName name: UInt64, count: Int, removesUsageChunk: Bool) {
    self.init(removesUsageChunk: removesUsageChunk)
    markBytes = 3
    guard count > 0 else {
      line = .ignored
      return
    }
    isEventOpen = true
    packed = name
    packedCount = count
    endName()
  }

  /// Reads the next piece of the stream; returns what to send in its place.
  mutating func consume(_ bytes: Span<UInt8>, nowMs: Int64) -> ResponseMeter.Action {
    var index = skipMark(bytes)
    while index < bytes.count {
      if skipsLineFeed {
        skipsLineFeed = false
        if bytes[index] == 0x0A {
          index += 1
          if removesLineFeed { filter?.remove(index - 1..<index, in: bytes) }
          continue
        }
      }
      switch line {
      case .start: index = beginLine(bytes, at: index, nowMs: nowMs)
      case .name: index = readName(bytes, from: index)
      case .colon: index = readColon(bytes, from: index, nowMs: nowMs)
      case .data: index = scanner.scan(bytes, from: index)
      case .eventName: index = readEventName(bytes, from: index)
      case .ignored: index = Self.lineEnd(bytes, from: index)
      }
      if line != .start, index < bytes.count, ResponseScanner.isLineBreak(bytes[index]) {
        endLine(bytes[index])
        index += 1
      }
    }
    if scanner.event.hasContent { tally.noteContent(nowMs: nowMs) }
    guard filter != nil else { return .pass }
    return filter!.pieceEnded(bytes, mayBeRemoved: !isMixed && scanner.mayBeUsageChunk)
  }

  /// Skips a byte order mark at the beginning of the stream.
  private mutating func skipMark(_ bytes: Span<UInt8>) -> Int {
    var index = 0
    while markBytes < 3, index < bytes.count {
      let expected: UInt8 = markBytes == 0 ? 0xEF : markBytes == 1 ? 0xBB : 0xBF
      guard bytes[index] == expected else {
        // Part of a mark is not a mark: it begins the name of an unknown field.
        if markBytes > 0 {
          isEventOpen = true
          packedCount = 9
          line = .name
        }
        markBytes = 3
        return index
      }
      markBytes += 1
      index += 1
    }
    return index
  }

  private mutating func beginField(at index: Int) {
    if !isEventOpen {
      isEventOpen = true
      filter?.eventBegan(at: index)
    }
    packed = 0
    packedCount = 0
    line = .name
  }

  /// At a line's first byte.
  @inline(__always)
  private mutating func beginLine(_ bytes: Span<UInt8>, at index: Int, nowMs: Int64) -> Int {
    let byte = bytes[index]
    if ResponseScanner.isLineBreak(byte) {
      skipsLineFeed = byte == 0x0D
      endEvent(at: index + 1, in: bytes, nowMs: nowMs)
      return index + 1
    }
    if byte == UInt8(ascii: ":") {
      line = .ignored
      return index
    }
    if hasData, Self.goesOn(byte), scanner.isOpen {
      line = .data
      if scanner.hasBegun { scanner.breakLine() }
      return index
    }
    beginField(at: index)
    guard index + 5 < bytes.count, bytes.extracting(index..<index + 5).elementsEqual("data:") else {
      return index
    }
    field = .data
    line = .colon
    return index + 5
  }

  /// Whether a line can be a part of a JSON text that a server wrote without `data:`. No field's name
  /// begins so.
  private static func goesOn(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"),
      UInt8(ascii: "\""), 0x20, 0x09:
      true
    default: false
    }
  }

  /// Reads a field's name up to its colon, or to the line's end: then its value is empty.
  private mutating func readName(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, !ResponseScanner.isLineBreak(bytes[index]) {
      if bytes[index] == UInt8(ascii: ":") {
        endName()
        return index + 1
      }
      pack(bytes[index])
      index += 1
    }
    return index
  }

  private mutating func endName() {
    field = .other
    if packedCount == 4, packed == 0x6461_7461 { field = .data }
    if packedCount == 5, packed == 0x65_7665_6E74 { field = .event }
    line = .colon
  }

  private mutating func pack(_ byte: UInt8) {
    packed = packed << 8 | UInt64(byte)
    packedCount = min(packedCount + 1, 9)
  }

  /// Begins a field's value. One space after the colon is not part of it.
  @inline(__always)
  private mutating func readColon(_ bytes: Span<UInt8>, from start: Int, nowMs: Int64) -> Int {
    switch field {
    case .data:
      line = .data
      hasData = true
      if scanner.isComplete {
        // Two texts are no JSON: the server left out the empty line between two events.
        isMixed = true
        endText(nowMs: nowMs)
      } else if scanner.hasBegun {
        scanner.breakLine()
      }
    case .event:
      line = .eventName
      packed = 0
      packedCount = 0
    case .other:
      line = .ignored
    }
    return bytes[start] == 0x20 ? start + 1 : start
  }

  private mutating func readEventName(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, !ResponseScanner.isLineBreak(bytes[index]) {
      pack(bytes[index])
      index += 1
    }
    return index
  }

  private static func lineEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, !ResponseScanner.isLineBreak(bytes[index]) { index += 1 }
    return index
  }

  @inline(__always)
  private mutating func endLine(_ byte: UInt8) {
    skipsLineFeed = byte == 0x0D
    removesLineFeed = false
    endValue()
    line = .start
  }

  private mutating func endValue() {
    if line == .colon, field == .data { hasData = true }
    if line == .eventName, packedCount == 5, packed == 0x65_7272_6F72 {  // error
      scanner.event.hasError = true
    }
  }

  /// An empty line ends the event.
  private mutating func endEvent(at end: Int, in bytes: Span<UInt8>, nowMs: Int64) {
    removesLineFeed = false
    guard isEventOpen else { return }
    isEventOpen = false
    if filter != nil {
      let removed = !isMixed && scanner.isUsageChunk
      removesLineFeed = filter!.eventEnded(at: end, removed: removed, in: bytes)
    }
    endText(nowMs: nowMs)
    hasData = false
    isMixed = false
  }

  private mutating func endText(nowMs: Int64) {
    if scanner.event.hasContent { tally.noteContent(nowMs: nowMs) }
    absorb()
  }

  /// Adds what the text said to the tally, and makes the scanner ready for the next one.
  private mutating func absorb() {
    if scanner.isDone {
      tally.noteDone()
    } else if scanner.hasBegun || scanner.event.hasError {
      tally.absorb(scanner.event)
    }
    scanner.reset()
  }

  /// The stream has ended: the bytes that are still held back, unless they are to be removed.
  mutating func takeHeld() -> [UInt8] {
    filter?.takeHeld(removed: !isMixed && scanner.isUsageChunk) ?? []
  }

  /// All that was read as of now, the last event included even if it is not complete.
  var whole: UsageTally {
    guard isEventOpen else { return tally }
    var whole = self
    whole.endValue()
    whole.absorb()
    return whole.tally
  }
}
