/// Reads a body of JSON: one text, or several with a line break between them (NDJSON, and RFC 7464).
struct JSONTextReader {
  private var scanner: ResponseScanner
  private var tally = UsageTally()
  /// A line break has come since the last text ended.
  private var sawLineBreak = false
  /// Something else has come behind a text: nothing more is read.
  private var isOver = false

  /// `isLines`: the content type says that each line is a text of its own, like a stream's event.
  init(isLines: Bool) {
    scanner = ResponseScanner(isEvent: false, hasEventNames: isLines)
  }

  mutating func consume(_ bytes: Span<UInt8>) {
    var index = 0
    while index < bytes.count {
      if isOver {
        tally.noteBroken(bytes.count - index)
        return
      }
      if scanner.isComplete {
        passBetween(bytes[index])
        if !scanner.isComplete { continue }
        index += 1
      } else {
        index = scanner.scan(bytes, from: index)
      }
    }
  }

  /// Looks at a byte behind a text. If it begins the next text, it is not taken.
  private mutating func passBetween(_ byte: UInt8) {
    switch byte {
    case 0x0A, 0x0D, 0x1E: sawLineBreak = true
    case 0x09, 0x20: break
    case UInt8(ascii: "{") where sawLineBreak:
      tally.absorb(scanner.event)
      scanner.reset()
      scanner.hasEventNames = true
      sawLineBreak = false
    default: isOver = true
    }
  }

  /// All that was read as of now, and whether there were several texts.
  var whole: (tally: UsageTally, isStream: Bool) {
    var whole = tally
    let isStream = tally.textCount > 0
    if scanner.hasBegun { whole.absorb(scanner.event) }
    if scanner.isComplete { whole.noteEnd() }
    return (whole, isStream)
  }
}
