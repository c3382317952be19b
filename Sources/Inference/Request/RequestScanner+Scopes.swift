// What begins and ends with the objects and arrays that have a scope, and what stands in them: pictures,
// sound, files, prompts, references.

extension RequestScanner {
  /// Expects a picture, sound or a file: a string where there is a key, or an object of that scope.
  mutating func expectMedia(_ key: InspectedKey?, in scope: RequestScope) {
    guard targetIsExact else { return }
    pending = scope
    target = key
  }

  /// Begins a string that stands where such a thing is.
  mutating func beginMedia(_ key: InspectedKey) {
    let isSound =
      scope == .sound || key == .videoURL || key == .audioURL || key == .inputAudio
    string.role = .media
    string.media = MediaReading(isSound: isSound)
  }

  mutating func settleMedia(_ media: MediaReading) {
    let key = target
    target = nil
    if scope == .source, key == .data { return source.take(data: media) }
    add(media.weight)
  }

  private mutating func add(_ weight: MediaReading.Weight) {
    facts.textBytes += weight.textBytes
    facts.mediaTokens += weight.tokens
  }

  /// Begins an object or array that has an end.
  mutating func beginScope() {
    switch scope {
    case .item: item = ItemReading()
    case .source: source = SourceReading()
    case .prompts: prompts = PromptReading(numbers: facts.arrayNumbers)
    case .names: expectName()
    case .none, .top, .extraBody, .parameters, .streamOptions, .conversation, .messages, .input,
      .message, .parts, .part, .picture, .sound, .file:
      break
    }
  }

  /// Begins an element of a list of prompts or of names, after a comma.
  mutating func beginElement() {
    if scope == .prompts { prompts.elements += 1 } else { expectName() }
  }

  /// Ends an object or array that has an end, whose bracket is just before `end`.
  mutating func endScope(_ closed: RequestScope, isEmpty: Bool, end: Int) {
    switch closed {
    case .streamOptions: facts.streamOptionsRange = scopeStart..<end
    case .conversation:
      facts.conversationRange = scopeStart..<end
      if facts.conversation == nil { refuse(.invalidValue(.conversation)) }
    case .item: endItem()
    case .source: add(source.weight)
    case .prompts:
      if !isEmpty { facts.prompts += prompts.count(numbers: facts.arrayNumbers) }
    case .names: ignore()
    case .none, .top, .extraBody, .parameters, .messages, .input, .message, .parts, .part,
      .picture, .sound, .file:
      break
    }
  }

  private mutating func endItem() {
    guard item.isReference else { return }
    guard !item.hasBadID, facts.itemReferences.count + item.ids.count <= limits.referencesMax else {
      return refuse(.invalidValue(.input))
    }
    facts.itemReferences += item.ids
  }
}
