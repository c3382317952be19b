import Bytes

extension MultipartScanner {
  /// Skips a part's content up to and with its delimiter. Returns the index of the next unread byte.
  mutating func scanContent(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      if matched == 0 {
        index += ByteRun.until(0x0A, bytes, from: index)
        if index == bytes.count { break }
        matchHasReturn = (index > 0 ? bytes[index - 1] : previousByte) == 0x0D
        matched = 1
        index += 1
      } else if bytes[index] != boundary.pattern[matched] {
        // Only the pattern's first byte is a line feed: a match can begin at this byte, not before.
        matched = 0
      } else {
        matched += 1
        index += 1
        if matched == boundary.pattern.count {
          capture(bytes.extracting(start..<index))
          endContent(at: consumed + index)
          return index
        }
      }
    }
    capture(bytes.extracting(start..<index))
    return index
  }

  private mutating func capture(_ bytes: Span<UInt8>) {
    guard field != nil else { return }
    let most = limits.modelBytesMax + boundary.delimiterBytes
    guard capturedAll, captured.count + bytes.count <= most else {
      capturedAll = false
      return
    }
    captured.append(bytes)
  }

  /// Ends the part whose delimiter ends just before `offset`.
  private mutating func endContent(at offset: Int) {
    guard matchHasReturn else { return fail(at: offset - 1) }
    state = .delimited
    let range = contentStart..<offset - boundary.delimiterBytes
    if part.isFile {
      facts.mediaTokens += range.count / MediaReading.soundBytesPerToken + 1
    } else {
      facts.textBytes += range.count
    }
    guard let key = field else { return }
    captured.removeLast(min(captured.count, boundary.delimiterBytes))
    switch key {
    case .model: settleModel(range)
    case .stream: settleStream(range)
    default: settleNames()
    }
  }

  /// The name of a model in a field that needs the model's `allow_fields`.
  private mutating func settleNames() {
    let last = facts.guarded.count - 1
    guard isName else {
      facts.guarded[last].models = nil
      return
    }
    facts.guarded[last].models?.append(captured)
  }

  /// Whether what was captured is not empty, valid UTF-8 and without control characters.
  private var isName: Bool {
    capturedAll && !captured.isEmpty && captured.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
      && String(validating: captured, as: UTF8.self) != nil
  }

  private mutating func settleModel(_ range: Range<Int>) {
    guard isName else { return refuse(.invalidValue(.model)) }
    facts.model = captured
    facts.modelRange = range
  }

  private mutating func settleStream(_ range: Range<Int>) {
    guard capturedAll, captured == Array("true".utf8) || captured == Array("false".utf8) else {
      return refuse(.invalidValue(.stream))
    }
    facts.stream = captured == Array("true".utf8)
    facts.streamRange = range
  }
}
