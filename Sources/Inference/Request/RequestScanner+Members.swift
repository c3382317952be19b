import Bytes

// The inspected members: which key is one, and which values it may have.

extension RequestScanner {
  /// The kinds of value (RFC 8259, 3).
  enum Kind { case string, number, object, array, bool, null }

  /// Records a problem with an inspected member; only the first one is kept.
  mutating func refuse(_ problem: BodyProblem) {
    if objection == nil { objection = problem }
  }

  /// Ends a key of an object in which keys are looked at. `isExact`: it is spelled as documented.
  @inline(__always)
  mutating func endKey(_ key: InspectedKey?, isExact: Bool) {
    pending = .none
    if let key { begin(key, isExact: isExact) }
  }

  /// What the value of an inspected key is to be read for.
  private mutating func begin(_ key: InspectedKey, isExact: Bool) {
    targetIsExact = isExact
    switch key {
    case .stream, .streamOptions:
      if scope == .top { expectOnce(key) }
    case .includeUsage, .continuousUsageStats: expectOnce(key)
    case .model, .previousResponseID, .conversation:
      if scope == .top { expectOnce(key) } else { expectGuarded(key) }
    case .n, .bestOf:
      if scope == .top { expectOnce(key) } else { target = key }
    case .maxTokens, .maxCompletionTokens, .maxOutputTokens, .nPredict, .maxNewTokens, .maxLength:
      if scope == .top { noteBound(key) }
      target = key
    case .minTokens, .minNewTokens, .numPredict, .maxTokensToSample, .maxToolCalls: target = key
    case .models, .fallbacks, .fallbackModels, .modelFallbacks, .contextWindowFallbacks,
      .contentPolicyFallbacks, .contextWindowFallbackDict, .route, .provider, .customProvider,
      .loraPath, .loraRequest, .lora, .adapterID, .kvTransferParams, .ecTransferParams,
      .bootstrapHost, .apiBase, .baseURL, .apiKey, .background:
      expectGuarded(key)
    case .prompt, .promptEmbeds: pending = .prompts
    case .input: pending = .input
    case .extraBody: pending = .extraBody
    case .parameters: pending = .parameters
    case .messages: if isExact { pending = .messages }
    case .content, .output: if isExact { pending = .parts }
    case .imageURL: expectMedia(key, in: .picture)
    case .videoURL, .audioURL, .inputAudio: expectMedia(key, in: .sound)
    case .file: expectMedia(nil, in: .file)
    case .source: expectMedia(nil, in: .source)
    case .result, .fileData, .url, .data: if isExact { target = key }
    case .id:
      if scope == .conversation { expectOnce(key) } else { target = key }
    case .type: target = key
    case .role: if isExact { target = key }
    case .serviceTier, .speed: if scope == .top { target = key }
    }
  }

  /// Expects a value. The key may come once, and only as it is documented.
  private mutating func expectOnce(_ key: InspectedKey) {
    if isRepeated(key) || !targetIsExact { refuse(.duplicateKey(key)) }
    target = key
  }

  /// Whether a key that may come once has come before.
  mutating func isRepeated(_ key: InspectedKey) -> Bool {
    let bit = UInt64(1) << UInt64(key.rawValue)
    defer { keysSeen |= bit }
    return keysSeen & bit != 0
  }

  /// Begins the value of the inspected member and refuses it if it is of the wrong type.
  mutating func judge(_ kind: Kind, at offset: Int) {
    guard let key = target else { return }
    valueStart = offset
    if isGuarded { return judgeGuarded(key, kind) }
    switch key {
    case .model, .previousResponseID: require(kind == .string, key, kind)
    case .stream, .includeUsage, .continuousUsageStats: require(kind == .bool, key, kind)
    case .streamOptions: require(kind == .object, key, kind)
    case .conversation: require(kind == .string || kind == .object, key, kind)
    case .id where scope == .conversation: require(kind == .string, key, kind)
    case .n where scope == .top, .bestOf where scope == .top: require(kind == .number, key, kind)
    case .n, .bestOf, .maxToolCalls: if kind != .number { target = nil }
    case .id, .type, .serviceTier, .speed:
      if kind == .string { beginCapture() } else { target = nil }
    case .role:
      item.takeRole()
      target = nil
    case .imageURL, .videoURL, .audioURL, .inputAudio, .result, .fileData, .url, .data:
      if kind == .string { beginMedia(key) } else { target = nil }
    default: judgeBound(key, kind)
    }
  }

  /// Begins a value that must be of the right kind, unless it is null.
  private mutating func require(_ fits: Bool, _ key: InspectedKey, _ kind: Kind) {
    guard fits || kind == .null else {
      refuse(.invalidValue(key))
      target = nil
      return
    }
    switch kind {
    case .string: beginCapture()
    case .object:
      scopeStart = valueStart
      pending = key == .streamOptions ? .streamOptions : .conversation
      if key == .streamOptions { facts.streamOptionsIsObject = true }
      target = nil
    case .number, .array, .bool, .null: break
    }
  }

  /// Ends a value of the inspected member that is `true`, `false` or null.
  mutating func settle(literal: Literal, end: Int) {
    guard let key = target else { return }
    target = nil
    let range = valueStart..<end
    switch key {
    case .model: facts.modelRange = range
    case .stream:
      facts.stream = literal.bool
      facts.streamRange = range
    case .streamOptions: facts.streamOptionsRange = range
    case .includeUsage:
      facts.includeUsage = literal.bool
      facts.includeUsageRange = range
    case .continuousUsageStats:
      facts.continuousUsageStats = literal.bool
      facts.continuousUsageStatsRange = range
    case .previousResponseID: facts.previousResponseIDRange = range
    case .conversation: facts.conversationRange = range
    default: settleBound(key, range)
    }
  }

  // MARK: Values that are kept

  /// Begins a string that is kept: a name, an id.
  mutating func beginCapture() {
    string.role = .captured
    captured.removeAll(keepingCapacity: true)
    capturedIsValid = true
  }

  /// Adds bytes to the value that is kept, as long as it is valid and within its limit.
  mutating func capture(_ run: Span<UInt8>) {
    guard capturedIsValid, captured.count + run.count <= limits.modelBytesMax else {
      capturedIsValid = false
      return
    }
    for index in run.indices where run[index] == 0x7F { capturedIsValid = false }
    captured.append(run)
  }

  /// Adds a scalar. Control characters (U+0000 to U+001F, DEL) and lone surrogates make the value
  /// invalid.
  mutating func capture(_ scalar: UInt32) {
    guard capturedIsValid, scalar >= 0x20, scalar != 0x7F, let scalar = Unicode.Scalar(scalar)
    else {
      capturedIsValid = false
      return
    }
    let bytes = UTF8.encode(scalar)
    guard let bytes, captured.count + bytes.count <= limits.modelBytesMax else {
      capturedIsValid = false
      return
    }
    captured.append(contentsOf: bytes)
  }

  /// Ends a value that was kept, whose closing quote is just before `end`.
  mutating func settleCaptured(end: Int) {
    guard let key = target else { return }
    target = nil
    let text = captured
    let value = capturedIsValid && !text.isEmpty ? text : nil
    if key == .serviceTier || key == .speed { return facts.note(tier: text.span, of: key) }
    if isGuarded { return settleGuarded(name: value) }
    switch (key, scope) {
    case (.type, .source): source.take(type: text.span)
    case (.type, _): item.take(type: text.span, isExact: targetIsExact)
    case (.id, .item): item.take(id: value)
    case (.model, _):
      facts.model = value
      facts.modelRange = valueStart..<end
    case (.previousResponseID, _):
      facts.previousResponseID = value
      facts.previousResponseIDRange = valueStart..<end
    default:
      facts.conversation = value
      if key == .conversation { facts.conversationRange = valueStart..<end }
    }
    if value == nil, scope == .top || scope == .conversation { refuse(.invalidValue(key)) }
  }
}
