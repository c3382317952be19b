import Bytes

/// Finds the ids in an answer of `/v1/responses` by which a later request can continue it: those of the
/// response, of its conversation and of its output items.
///
/// It reads beside the meter, in constant space, and stops at `idsMax`. A text that is not JSON gives no
/// ids. The body may be cut anywhere.
package struct ResponseIDReader: Sendable {
  /// The most ids of one answer that are found; further items cannot be referred to.
  package static let idsMax = 1024
  /// The most bytes of an id; a longer one is not taken for one.
  package static let idBytesMax = 512

  /// The objects and arrays whose members matter; all others are skipped.
  private enum Place: UInt8 {
    case body = 1
    case event, response, conversation, output, item
  }

  /// What the value of a member is.
  private enum Member { case ignored, id, response, conversation, output, item }

  private enum State { case member, colon, value, separator, bare, string, escape, over }

  /// Where a line of an event stream is: at its beginning, in a field's name, in `data`, in what is
  /// skipped.
  private enum Line { case start, name, data, ignored }

  /// Whether the body is an event stream, by its first byte: content types are often wrong. Nil while
  /// there is none.
  private var isStream: Bool?
  private var line = Line.start
  /// The bytes of a field's name, the last one lowest.
  private var name: UInt64 = 0
  private var state = State.value
  private var member = Member.ignored
  private var place: Place?
  /// The places around it, a byte each, the nearest lowest: never more than five.
  private var outer: UInt64 = 0
  private var skippedDepth = 0
  /// A string is read, a key or an id, into `word`; else it is skipped.
  private var isRead = false
  private var isKey = false
  private var word: [UInt8] = []
  /// The last byte was a carriage return: a line feed that comes next belongs to it.
  private var skipsLineFeed = false
  private var count = 0
  private var found: [[UInt8]] = []

  /// Nil for an answer that cannot be read as text.
  package init?(_ format: ResponseFormat) {
    switch format {
    case .json, .jsonLines, .eventStream, .other: break
    case .media, .encoded: return nil
    }
  }

  /// The ids that were found since the last call; one may come again.
  package mutating func takeIDs() -> [[UInt8]] {
    defer { found = [] }
    return found
  }

  /// Reads the next piece of the body.
  package mutating func read(_ bytes: Span<UInt8>) {
    guard count < Self.idsMax else { return }
    if isStream == nil {
      var first = 0
      while first < bytes.count, bytes[first] <= 0x20 { first += 1 }
      guard first < bytes.count else { return }
      isStream = bytes[first] != UInt8(ascii: "{")
    }
    guard isStream == true else { return scan(bytes) }
    var index = 0
    while index < bytes.count, count < Self.idsMax {
      if skipsLineFeed {
        skipsLineFeed = false
        if bytes[index] == 0x0A {
          index += 1
          continue
        }
      }
      var end = index
      while end < bytes.count, !ResponseScanner.isLineBreak(bytes[end]) { end += 1 }
      readLine(bytes.extracting(index..<end))
      if end < bytes.count {
        // An empty line ends an event; other lines of `data` go on with the same text.
        if line == .start { restart() }
        skipsLineFeed = bytes[end] == 0x0D
        line = .start
        name = 0
      }
      index = end + 1
    }
  }

  /// Reads a part of a line.
  private mutating func readLine(_ bytes: Span<UInt8>) {
    var index = 0
    while index < bytes.count {
      switch line {
      case .start, .name:
        if bytes[index] == UInt8(ascii: ":") {
          // "data", which a byte order mark may precede in the first line.
          line = name == 0x6461_7461 || name == 0xEF_BBBF_6461_7461 ? .data : .ignored
        } else {
          line = .name
          name = name << 8 | UInt64(bytes[index])
        }
        index += 1
      case .data: return scan(bytes.extracting(index..<bytes.count))
      case .ignored: return
      }
    }
  }

  /// Makes ready for the next event.
  private mutating func restart() {
    (state, member, place, outer, skippedDepth) = (.value, .ignored, nil, 0, 0)
  }
}

// MARK: - JSON (RFC 8259)

extension ResponseIDReader {
  private mutating func scan(_ bytes: Span<UInt8>) {
    var index = 0
    while index < bytes.count {
      switch state {
      case .string: index = scanString(bytes, from: index)
      case .escape:
        // No provider escapes an id. One that has an escape is not taken for one.
        isRead = false
        state = .string
        index += 1
      case .over: return
      case .member, .colon, .value, .separator, .bare:
        let byte = bytes[index]
        index += 1
        if skippedDepth > 0 {
          skip(byte)
        } else if byte > 0x20 {
          take(byte)
        } else if state == .bare {
          state = .separator
        }
      }
    }
  }

  /// Inside an object or array that is skipped, only strings and brackets matter.
  private mutating func skip(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): begin(isKey: false, isRead: false)
    case UInt8(ascii: "{"), UInt8(ascii: "["): skippedDepth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      skippedDepth -= 1
      if skippedDepth == 0 { state = .separator }
    default: break
    }
  }

  private mutating func take(_ byte: UInt8) {
    switch state {
    case .member:
      switch byte {
      case UInt8(ascii: "\""): begin(isKey: true, isRead: true)
      case UInt8(ascii: "}"): close()
      default: state = .over
      }
    case .colon: state = byte == UInt8(ascii: ":") ? .value : .over
    case .value: takeValue(byte)
    case .separator, .bare:
      switch byte {
      case UInt8(ascii: ","): state = place == .output ? .value : .member
      case UInt8(ascii: "}"), UInt8(ascii: "]"): close()
      default: if state == .separator { state = .over }
      }
    case .string, .escape, .over: break
    }
  }

  private mutating func takeValue(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""):
      guard place != nil else {
        state = .over
        return
      }
      begin(isKey: false, isRead: member == .id || member == .conversation)
    case UInt8(ascii: "{"), UInt8(ascii: "["): open(isArray: byte == UInt8(ascii: "["))
    case UInt8(ascii: "]") where place == .output: close()
    default: state = place == nil ? .over : .bare
    }
  }

  private mutating func open(isArray: Bool) {
    let inner: Place? =
      switch (place, member) {
      case (nil, _): isArray ? nil : isStream == true ? .event : .body
      case (.output, _): isArray ? nil : .item
      case (_, .response): isArray ? nil : .response
      case (_, .conversation): isArray ? nil : .conversation
      case (_, .item): isArray ? nil : .item
      case (_, .output): isArray ? .output : nil
      case (_, .id), (_, .ignored): nil
      }
    guard let inner else {
      guard place != nil else {
        state = .over
        return
      }
      skippedDepth = 1
      return
    }
    outer = outer << 8 | UInt64(place?.rawValue ?? 0)
    place = inner
    state = inner == .output ? .value : .member
  }

  private mutating func close() {
    place = Place(rawValue: UInt8(outer & 0xFF))
    outer >>= 8
    state = place == nil ? .over : .separator
  }

  private mutating func begin(isKey: Bool, isRead: Bool) {
    self.isKey = isKey
    self.isRead = isRead
    if isRead { word.removeAll(keepingCapacity: true) }
    state = .string
  }

  private mutating func scanString(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let run = ByteRun.text(bytes, from: index)
      if run > 0 { keep(bytes.extracting(index..<index + run)) }
      index += run
      guard index < bytes.count else { return index }
      switch bytes[index] {
      case UInt8(ascii: "\""):
        endString()
        return index + 1
      case UInt8(ascii: "\\"):
        state = .escape
        return index + 1
      default:
        keep(bytes.extracting(index..<index + 1))
        index += 1
      }
    }
    return index
  }

  private mutating func keep(_ run: Span<UInt8>) {
    guard isRead else { return }
    guard word.count + run.count <= Self.idBytesMax else {
      isRead = false
      return
    }
    word.append(run)
  }

  private mutating func endString() {
    state = isKey ? .colon : .separator
    if isKey {
      member = isRead ? meaning(of: word.span) : .ignored
    } else if isRead, !word.isEmpty, count < Self.idsMax {
      found.append(word)
      count += 1
    }
  }

  private func meaning(of key: Span<UInt8>) -> Member {
    switch place {
    case .event:
      key.elementsEqual("response") ? .response : key.elementsEqual("item") ? .item : .ignored
    case .body, .response:
      key.elementsEqual("id")
        ? .id
        : key.elementsEqual("conversation")
          ? .conversation : key.elementsEqual("output") ? .output : .ignored
    case .conversation, .item: key.elementsEqual("id") ? .id : .ignored
    case .output, nil: .ignored
    }
  }
}
