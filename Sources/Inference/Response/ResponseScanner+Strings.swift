import Bytes
import Terms

// Strings (RFC 8259, 7): content is counted; keys and a few short values are read.

extension ResponseScanner {
  mutating func beginString(_ role: Role) {
    self.role = role
    wordCount = 0
    state = .string
  }

  /// Reads the string up to its closing quote, an escape or the end of the piece. Returns the index of
  /// the next unread byte.
  mutating func scanString(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let run = ByteRun.text(bytes, from: index)
      if run > 0 {
        take(bytes.extracting(index..<index + run))
        index += run
        guard index < bytes.count else { return index }
      }
      switch bytes[index] {
      case UInt8(ascii: "\""):
        endString()
        return index + 1
      case UInt8(ascii: "\\"):
        state = .escape
        return index + 1
      case let byte:
        // Part of a UTF-8 sequence that was cut, or a byte that JSON does not allow: just counted.
        if isEvent, Self.isLineBreak(byte) { return index }
        take(bytes.extracting(index..<index + 1))
        index += 1
      }
    }
    return index
  }

  /// Adds bytes that need no unescaping.
  private mutating func take(_ run: Span<UInt8>) {
    switch role {
    case .ignored: break
    case .content, .reasoning, .reasoningContent, .reasoningDetail, .delta, .media, .logprobs,
      .unknown, .error:
      take(run.count, as: role)
    case .count:
      for index in run.indices { number.take(run[index]) }
    case .key, .kind, .itemKind, .object, .finish, .status, .tier, .speed, .region, .modality:
      var index = 0
      while index < run.count, wordCount < Self.wordBytesMax {
        word[wordCount] = run[index]
        wordCount += 1
        index += 1
      }
      // A longer word than fits is not one that is known.
      if index < run.count { wordCount = .max }
    }
  }

  /// Adds one unescaped byte, or `count` bytes whose values do not matter.
  private mutating func take(_ byte: UInt8, count: Int = 1) {
    switch role {
    case .ignored: break
    case .content, .reasoning, .reasoningContent, .reasoningDetail, .delta, .media, .logprobs,
      .unknown, .error:
      take(count, as: role)
    case .count: number.take(byte)
    case .key, .kind, .itemKind, .object, .finish, .status, .tier, .speed, .region, .modality:
      guard wordCount < Self.wordBytesMax else {
        wordCount = .max
        return
      }
      word[wordCount] = byte
      wordCount += 1
    }
  }

  /// Reads a byte of an escape, after its backslash.
  mutating func takeEscape(_ byte: UInt8) {
    guard state == .escape else { return takeHexDigit(byte) }
    state = .string
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): take(byte)
    case UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"),
      UInt8(ascii: "t"):
      take(0)  // no known word has a control character
    case UInt8(ascii: "u"):
      unit = 0
      digitsLeft = 4
      state = .unicodeEscape
    default:
      state = .broken
    }
  }

  private mutating func takeHexDigit(_ byte: UInt8) {
    guard let digit = Hex.value(byte) else {
      state = .broken
      return
    }
    unit = unit << 4 | UInt32(digit)
    digitsLeft -= 1
    guard digitsLeft == 0 else { return }
    state = .string
    switch unit {
    case 0..<0x80: take(UInt8(unit))
    case 0x80..<0x800: take(0, count: 2)
    // A surrogate pair is four bytes in UTF-8, so each half counts two.
    case 0xD800...0xDFFF: take(0, count: 2)
    default: take(0, count: 3)
    }
  }

  private mutating func endString() {
    state = skippedDepth > 0 ? .skip : .separator
    if role == .count { return endNumber() }
    let isWord = wordCount <= Self.wordBytesMax
    let text = word.span.extracting(0..<(isWord ? wordCount : 0))
    switch role {
    case .ignored, .content, .reasoning, .reasoningContent, .reasoningDetail, .delta, .media,
      .logprobs, .unknown, .error, .count:
      break
    case .key:
      member = ResponseMember(text, in: place, isEvent: hasEventNames)
      state = .colon
    case .kind:
      event.kind = ResponseEvent.Kind(text)
    case .object:
      if text.elementsEqual("error") { event.hasError = true }
    case .tier:
      // What the usage says of its speed is the dearer word.
      if event.tier != .fast { event.tier = ServiceTier(text) }
    case .speed:
      if text.elementsEqual("fast") { event.tier = .fast }
    case .region:
      event.region = Self.region(text)
    case .modality:
      kindField = UsageField(modality: text, ofPrompt: place == .promptKind)
    case .itemKind:
      if text.elementsEqual("web_search_call") { event.webSearches += 1 }
      if text.elementsEqual("file_search_call") { event.fileSearches += 1 }
    case .finish:
      event.finish = FinishReason(text)
    case .status:
      event.finish = FinishReason(status: text) ?? event.finish
      if !hasEventNames, text.elementsEqual("queued") || text.elementsEqual("in_progress") {
        event.isPending = true
      }
    }
  }

  private static func region(_ text: Span<UInt8>) -> ServedRegion? {
    switch text.count {
    case 2 where text.elementsEqual("us"): .us
    case 2 where text.elementsEqual("eu"): .eu
    case 6 where text.elementsEqual("global"): .global
    // The provider does not say.
    case 13 where text.elementsEqual("not_available"): nil
    default: .other
    }
  }
}
